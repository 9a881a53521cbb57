import { killAgainAndAgain } from './kills.js';

// `npm run kills`, or `npm run kills -- 20`: kills a training so many times, and compares what comes of it with one that nobody kills.

const { kills, resumed, expected, got } = await killAgainAndAgain(Number(process.argv[2] ?? 200), 60, console.log);
const wrong = got.filter((one) => one !== expected).length;
console.log(
  `${kills} kills, ${resumed.length} trainings went on from a checkpoint, ${got.length} came to their end, ${wrong} of them with other bits`,
);
process.exitCode = wrong > 0 ? 1 : 0;
