/** Number of the state with which a session is created; each change and each new epoch has a greater one. */
export const FIRST_SEQ = 1;
