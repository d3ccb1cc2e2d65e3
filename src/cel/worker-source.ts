/** The whole program of the thread as one text, in the bundle (rolldown.config.ts); from the sources it is loaded as a file. */
export const workerSource: string | undefined = undefined;
