// @ts-check
/**
 * The built-in help card: in a shadow root, so that no style leaks in or out; styled by a constructed sheet, so
 * that a strict Content-Security-Policy has nothing to object to.
 */

const CSS = `:host{all:initial;position:fixed;inset:auto;inset-block-end:var(--sessionmood-bottom,0px);inset-inline-end:var(--sessionmood-end,0px);width:min(22rem,100vw);margin:0;padding:1rem;border:0;background:none;box-sizing:border-box;z-index:var(--sessionmood-z,2147483000);overflow:visible}
section{--p:var(--sessionmood-accent,#4f46e5);color:var(--sessionmood-text,#1b1b2b);background:var(--sessionmood-background,#fff);font:15px/1.45 var(--sessionmood-font,system-ui,sans-serif);border:1px solid #8884;border-radius:var(--sessionmood-radius,16px);box-shadow:0 12px 40px #0004;padding:1.1rem 1.2rem;position:relative}
:host([data-theme=dark]) section{color:var(--sessionmood-text,#f2f2f7);background:var(--sessionmood-background,#23232f);--p:var(--sessionmood-accent,#a5a0ff);--q:var(--sessionmood-on-accent,#14141d)}
h2{font-size:1.12em;line-height:1.3;margin:0 0 .3em;padding-inline-end:1.6em}p{margin:0 0 .9em;opacity:.85}
div{display:flex;gap:.5em;flex-wrap:wrap}
button,a{font:inherit;font-weight:600;color:inherit;background:none;border:1px solid #8886;border-radius:.65em;padding:.5em .95em;cursor:pointer;text-decoration:none;min-height:2.6em;box-sizing:border-box}
.go{background:var(--p);border-color:transparent;color:var(--q,var(--sessionmood-on-accent,#fff))}
.x{position:absolute;inset-block-start:.6em;inset-inline-end:.6em;border:0;padding:0;width:2.2em;min-height:2.2em;opacity:.7}
:focus-visible{outline:3px solid var(--p);outline-offset:2px}
@media(prefers-reduced-motion:no-preference){section{animation:i .3s cubic-bezier(.2,.9,.3,1.2)}@keyframes i{from{opacity:0;transform:translateY(1rem)}}}`;

const TEXTS = {
  helpTitle: "Need a hand?",
  helpText: "It looks like something isn’t working as you’d expect.",
  helpAccept: "Get help",
  helpLater: "Not now",
  helpClose: "Close",
  helpQuestion: "Were you stuck?",
  helpYes: "Yes",
  helpNo: "No",
  helpThanks: "Thank you!",
};
/** The question and the thanks go by themselves. */
const LINGER_MS = 8000;

/** @param {string} tag @param {object} fields @param {...(Node | string)} children @returns {any} */
const make = (tag, fields, ...children) => {
  const element = Object.assign(document.createElement(tag), fields);
  element.append(...children);
  return element;
};

/** @param {any} offer @param {(target: EventTarget, types: string, fn: (event: any) => void) => void} listen */
export const show = (offer, listen) => {
  const { options } = offer;
  const text = (/** @type {keyof typeof TEXTS} */ name) => options[name] || TEXTS[name];
  const host = make("session-mood", { dir: getComputedStyle(document.documentElement).direction, popover: "manual" });
  host.setAttribute("data-sessionmood-ignore", "");
  const scheme = options.helpTheme || "auto";
  const dark = scheme === "dark" || (scheme === "auto" && matchMedia("(prefers-color-scheme:dark)").matches);
  host.dataset.theme = dark ? "dark" : "light";
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  root.adoptedStyleSheets = [sheet];

  let open = true;
  const close = () => {
    open = false;
    host.remove();
  };
  /** What happens on a click; the handler's own failure must not leave the card standing.
   * @param {string} name @param {() => void} fn @param {object} [fields] */
  const button = (name, fn, fields) => {
    const element = make("button", { type: "button", textContent: name, ...fields });
    listen(element, "click", fn);
    return element;
  };
  const card = make("section", { lang: document.documentElement.lang });
  card.setAttribute("role", "dialog");
  card.setAttribute("aria-labelledby", "t");
  const heard = make("div", {});
  heard.setAttribute("aria-live", "polite");

  const ask = () => {
    const answer = (/** @type {boolean} */ right) => () => {
      offer.feedback(right);
      card.replaceChildren(make("h2", { id: "t", textContent: text("helpThanks") }));
      setTimeout(close, 1500);
    };
    const yes = button(text("helpYes"), answer(true));
    card.replaceChildren(
      shut(close),
      make("h2", { id: "t", textContent: text("helpQuestion") }),
      make("div", {}, yes, button(text("helpNo"), answer(false))),
    );
    yes.focus();
    setTimeout(close, LINGER_MS);
  };
  const shut = (/** @type {() => void} */ fn) => button("✕", fn, { className: "x", ariaLabel: text("helpClose") });
  const accept = () => {
    offer.accept();
    ask();
  };
  const go = options.helpUrl
    ? make("a", { className: "go", href: options.helpUrl, target: "_blank", rel: "noopener", textContent: text("helpAccept") })
    : button(text("helpAccept"), accept, { className: "go" });
  if (options.helpUrl) listen(go, "click", accept);

  const given = typeof options.help === "function" ? options.help(offer) : options.helpContent && document.querySelector(options.helpContent);
  const body = given?.content?.cloneNode(true) || given || text("helpText");
  card.append(
    shut(() => {
      offer.dismiss();
      ask();
    }),
    make("h2", { id: "t", textContent: text("helpTitle") }),
    make(typeof body === "string" ? "p" : "article", {}, body),
    make("div", {}, go, button(text("helpLater"), () => {
      offer.snooze();
      close();
    })),
  );
  listen(document, "keydown", ({ key }) => {
    if (key !== "Escape" || !open) return;
    offer.dismiss();
    close();
  });
  root.append(card);
  document.documentElement.append(host);
  host.showPopover?.();
};
