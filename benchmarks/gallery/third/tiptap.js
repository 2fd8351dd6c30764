import { Editor } from "@tiptap/core";
import StarterKit from "@tiptap/starter-kit";
const editor = new Editor({ element: document.getElementById("e"), extensions: [StarterKit], content: "<p>What a fine day it is.</p>" });
document.getElementById("bold").onclick = () => editor.chain().focus().selectAll().toggleBold().run();
document.getElementById("list").onclick = () => editor.chain().focus().toggleBulletList().run();
document.getElementById("undo").onclick = () => editor.chain().focus().undo().run();
