import { Controller, Get, Inject, Post } from '@nestjs/common';
import { Notes } from './notes.bean.js';

/** One route that reads a bean, and one that changes it. */
@Controller('notes')
export class NotesController {
  @Inject() private readonly notes!: Notes;

  @Get() read(): number {
    return this.notes.lines.length;
  }

  @Post() write(): number {
    return this.notes.lines.push('a line');
  }
}
