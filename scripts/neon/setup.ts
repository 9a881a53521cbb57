/** Processes that tests start are emulated too. */
process.execPath = process.env.EMULATED_NODE!;
