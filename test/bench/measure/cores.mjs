/** The processor cores of the server under test and of everything else. */
export const SERVER_CORE = process.env.SERVER_CORE ?? '0';
export const LOAD_CORE = process.env.LOAD_CORE ?? '1';
