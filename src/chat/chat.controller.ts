import { Controller, Get, Header } from '@nestjs/common';
import { CHAT_PAGE, CHAT_SCRIPT } from './chat-page.js';

/** Nothing but the page's own script runs, and it talks to its own server only. */
const POLICY =
  "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
  "frame-ancestors 'none'";

/** The page of the chat. It needs no session: the page's script logs in. */
@Controller('chat')
export class ChatController {
  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Content-Security-Policy', POLICY)
  page(): string {
    return CHAT_PAGE;
  }

  @Get('chat.js')
  @Header('Content-Type', 'text/javascript; charset=utf-8')
  script(): string {
    return CHAT_SCRIPT;
  }
}
