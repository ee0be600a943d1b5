import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { RequestTimings } from '../../timing/request-timings.js';
import { TimedResponse } from './timed-response.js';

describe('the response of a request that is measured', () => {
  it('is counted until it is closed', () => {
    const { timings, request, response } = measured();
    TimedResponse.follow(request, response, timings);
    expect(timings.pending).toBe(1);

    response.emit('close');
    expect(timings.pending).toBe(0);
  });

  it('is counted once when two applications handle it', () => {
    const { timings, request, response } = measured();
    TimedResponse.follow(request, response, timings);

    expect(TimedResponse.follow(request, response, timings)).toBeUndefined();
    expect(timings.pending).toBe(1);
    response.writeHead(204);
    expect(response.statusCode).toBe(204);
  });

  it('is not counted when its client left before: no close event would end it', () => {
    const { timings, request, response } = measured();
    response.destroy();

    expect(TimedResponse.follow(request, response, timings)).toBeUndefined();
    expect(timings.pending).toBe(0);
  });
});

function measured(): { timings: RequestTimings; request: IncomingMessage; response: ServerResponse } {
  const timings = new RequestTimings('s1');
  timings.listen(() => undefined);
  const request = new IncomingMessage(new Socket());
  return { timings, request, response: new ServerResponse(request) };
}
