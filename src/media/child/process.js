// The child's own beginning. Nobody imports it: whoever loads all sources must not begin to read files.
import { Socket } from "node:net";
import { goOffline } from "./offline.ts";
import { serve } from "./serving.ts";

goOffline();
serve(process, new Socket({ fd: 3 }));
