/**
 * Makes what is served (`static/sessionmood*.js`) and what is published (`dist/`) from `static/src`.
 *
 * The served files are committed, so that `make run` needs nothing but Python; a test builds them again and
 * compares. `node build.mjs --out FOLDER` builds the served files elsewhere, which is what that test does.
 */

import { build } from "esbuild";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { minify } from "terser";

const here = dirname(fileURLToPath(import.meta.url));
const sources = join(here, "../static/src");

/** Loaded on demand: eye and gestures by every visit, the extras by few. */
const PARTS = ["eye", "gestures", "extras"];
/** Fields of our own objects, never of the wire: they may get short names. */
const OWN = /^(?:element|facts|leaving|answered|handled)$/;

/** The same for the eye: what it keeps of each press. None of these is a name of the
 * browser's that it uses, nor one that is asked for as a string. */
const EYE =
  /^(?:natural|clicks|texts|added|removed|moved|scrolled|masked|maskedAlone|beats|holds|reply|since|lookedAt|looks|swayed|early|done|closed|down|up|last|toggled|late|loaded|raged|leaving|here|coasting|due|seen|place|told|canvases|points|free|visitor|need|own|animations|sheets|active|was|change|flat|forever|press)$/;

/** @param {string} name @param {"iife" | "esm"} format */
const bundle = async (name, format) => {
  const { outputFiles } = await build({
    entryPoints: [join(sources, name + ".js")],
    bundle: true,
    format,
    target: "es2022",
    minifySyntax: true,
    write: false,
  });
  const { code } = await minify(outputFiles[0].text, {
    ecma: 2022,
    module: format === "esm",
    toplevel: true,
    // Functions used once stay functions where that repeats more, which compresses better.
    compress: {
      reduce_funcs: /^e[my]/.test(name),
      passes: 3,
      unsafe: true,
      unsafe_arrows: true,
      pure_getters: true,
      // esbuild has shortened them; put together further, the eye's compress worse.
      conditionals: name !== "eye",
      booleans: name !== "eye",
    },
    mangle: { properties: name === "embed" ? { regex: OWN } : name === "eye" && { regex: EYE, builtins: true } },
  });
  return code + "\n";
};

const serve = async (/** @type {string} */ folder) => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "sessionmood.js"), await bundle("embed", "iife"));
  for (const part of PARTS) writeFileSync(join(folder, `sessionmood-${part}.js`), await bundle(part, "esm"));
};

const publish = async () => {
  const dist = join(here, "dist");
  rmSync(dist, { recursive: true, force: true });
  await build({
    entryPoints: ["index", "react", "vue"].map((name) => join(here, "src", name + ".js")),
    outdir: dist,
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    external: ["react", "vue"],
  });
  // Types alone: for pages with the script tag.
  writeFileSync(join(dist, "global.js"), "export {};\n");
  for (const name of ["index", "react", "vue", "global"]) cpSync(join(here, "src", name + ".d.ts"), join(dist, name + ".d.ts"));
};

const elsewhere = process.argv.indexOf("--out");
if (elsewhere > 0) await serve(process.argv[elsewhere + 1]);
else {
  await serve(join(here, "../static"));
  await publish();
}
