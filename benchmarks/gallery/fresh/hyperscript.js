import "hyperscript.org";
