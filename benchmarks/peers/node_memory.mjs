// node-memory: nothing is kept. node node_memory.mjs PORT

import { serve } from "./socket.mjs";

serve(+process.argv[2], (id, text, done) => done());
