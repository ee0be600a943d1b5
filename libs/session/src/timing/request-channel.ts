import { channel } from 'node:diagnostics_channel';

/** Where a SessionRequestRecord of each request is published. Requests are measured while it has subscribers. */
export const REQUEST_CHANNEL = 'nestjs-session-beans:request';

export const requestChannel = channel(REQUEST_CHANNEL);
