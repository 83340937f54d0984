// Messages of the same four numbers from a main thread to a worker. Prints nanoseconds for each.
//
//   node node.mjs one-way|round-trips COUNT
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { once } from "node:events";

const status = (number) => ({ number, more: [number, number, number] });

if (isMainThread) {
    const [workload, text] = process.argv.slice(2);
    const count = Number(text);
    const worker = new Worker(new URL(import.meta.url), { workerData: { workload, count } });
    await once(worker, "online");
    const start = process.hrtime.bigint();
    if (workload === "one-way") {
        const done = once(worker, "message");
        for (let number = 0; number < count; number++) worker.postMessage(status(number));
        await done;
    } else {
        await new Promise((resolve) => {
            let number = 0;
            worker.on("message", (back) => {
                if (back.number !== number) throw new Error("lost or out of order");
                if (++number === count) resolve();
                else worker.postMessage(status(number));
            });
            worker.postMessage(status(0));
        });
    }
    console.log(Number(process.hrtime.bigint() - start) / count);
    await worker.terminate();
} else {
    const { workload, count } = workerData;
    let expected = 0;
    parentPort.on("message", (there) => {
        if (there.number !== expected++) throw new Error("lost or out of order");
        if (workload === "round-trips") parentPort.postMessage(there);
        else if (expected === count) parentPort.postMessage("done");
    });
}
