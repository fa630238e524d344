// The child's own beginning. Nobody imports it: whoever loads all sources must not begin to read files.
import { Socket } from "node:net";
import { serve } from "./serving.ts";

serve(process, new Socket({ fd: 3 }));
