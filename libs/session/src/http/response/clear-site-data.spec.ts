import { describe, expect, it } from '@jest/globals';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { clearSiteData } from './clear-site-data.js';
import { type HeadHeaders, RawResponseHeaders } from './response-headers.js';

describe('E5 Clear-Site-Data', () => {
  it.each<[string, string | string[] | undefined, string]>([
    ['is quoted and comma-separated', undefined, '"cache", "storage"'],
    ['takes the place of nothing', '', '"cache", "storage"'],
    ['goes behind what the application has set', '"executionContexts"', '"executionContexts", "cache", "storage"'],
    ['says nothing twice', '"storage"', '"storage", "cache"'],
    ['leaves what says it all', '"storage","cache"', '"storage","cache"'],
    ['joins several values', ['"cache"', '"clientHints"'], '"cache", "clientHints", "storage"'],
  ])('%s', (_, set, expected) => {
    const response = new ServerResponse(new IncomingMessage(new Socket()));
    if (set !== undefined) response.setHeader('Clear-Site-Data', set);
    const headers = new RawResponseHeaders(response, undefined);
    clearSiteData(headers, ['cache', 'storage', 'cache']);
    // The head may fail to be written, and is then written again.
    clearSiteData(headers, ['cache', 'storage', 'cache']);
    expect(headers.get('Clear-Site-Data')).toBe(expected);
  });

  it('joins what is passed to writeHead, as Fastify does', () => {
    const passed: HeadHeaders = Object.freeze({ 'clear-site-data': '"clientHints"' });
    const headers = new RawResponseHeaders(new ServerResponse(new IncomingMessage(new Socket())), passed);
    clearSiteData(headers, ['cache']);
    expect(headers.forHead).toEqual({ 'clear-site-data': '"clientHints", "cache"' });
  });
});
