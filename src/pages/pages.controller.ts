import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Controller, Get, Header, Inject, NotFoundException, Param, StreamableFile } from '@nestjs/common';
import { HttpSession } from 'nestjs-session-beans';
import { NODE_NAME } from '../session/session-info.controller.js';

/** Nothing but the page's own files is loaded, and it talks to its own server only. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'";

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The files beside this one, with which the pages are made. They need no build step. */
const FILES: ReadonlyMap<string, Buffer> = new Map(
  ['home.html', 'home.js', 'chat.html', 'chat.js', 'pages.css', 'icon.svg'].map((name) => [
    name,
    readFileSync(join(import.meta.dirname, name)),
  ]),
);

/** Two pages for a browser. They need no session: their scripts ask the other controllers. */
@Controller()
export class PagesController {
  constructor(
    private readonly session: HttpSession,
    @Inject(NODE_NAME) private readonly node: string | null,
  ) {}

  @Get()
  @Header('Content-Security-Policy', POLICY)
  home(): StreamableFile {
    return this.file('home.html');
  }

  @Get('chat')
  @Header('Content-Security-Policy', POLICY)
  chat(): StreamableFile {
    return this.file('chat.html');
  }

  @Get('pages/:name')
  file(@Param('name') name: string): StreamableFile {
    const content = FILES.get(name);
    if (!content) throw new NotFoundException('there is no such file');
    return new StreamableFile(content, { type: TYPES[extname(name)] as string });
  }

  /** Who asks, and which server answers: also for clients that have no session. */
  @Get('me')
  me() {
    return { node: this.node, principal: this.session.principal ?? null };
  }
}
