import { init } from 'nabla/distributed';

await init({ library: process.argv[2]!, timeout: 5 });
