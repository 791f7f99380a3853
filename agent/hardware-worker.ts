import { parentPort } from 'node:worker_threads';
import si from 'systeminformation';

// The thread that asks the library: one answer, then it is ended.
const { total } = await si.mem();
parentPort?.postMessage(total);
