// video.js with a minute of sound from the site itself.
import "video.js/dist/video-js.css";
import videojs from "video.js";

const $ = (id) => document.getElementById(id);
const player = videojs("player", { controls: true, playbackRates: [1, 2], controlBar: { fadeTime: 0 }, inactivityTimeout: 0 });
$("play").onclick = () => (player.paused() ? player.play() : player.pause());
$("skip").onclick = () => player.currentTime(player.currentTime() + 10);
$("speed").onclick = () => { player.playbackRate(player.playbackRate() === 1 ? 2 : 1); $("speed").textContent = "Speed " + player.playbackRate(); };
$("notes").onclick = () => { $("note").hidden = !$("note").hidden; };
$("deadcast").onclick = () => window.cast?.requestSession();
$("slow").onclick = async () => { $("slowed").textContent = (await (await fetch("/api/ok?ms=3100")).json()).n; };
