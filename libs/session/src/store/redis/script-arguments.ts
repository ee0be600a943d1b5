/** Arguments of one call of a script, its keys first. */
export type ScriptArguments = readonly (string | number)[];
