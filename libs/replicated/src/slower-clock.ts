/** The clock of another machine may be slower, by as much as time servers slow a clock down (chrony: up to 8.3 %). */
export const SLOWER_CLOCK = 1.1;
