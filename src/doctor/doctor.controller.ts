import { Controller, Get } from '@nestjs/common';
import { SessionDoctor, type SessionExamination } from 'nestjs-session-beans';

/** For operators: it names servers, beans and handlers. The balancers of `deploy/` do not pass it on. */
@Controller('doctor')
export class DoctorController {
  constructor(private readonly doctor: SessionDoctor) {}

  @Get()
  examine(): Promise<SessionExamination> {
    return this.doctor.examine();
  }
}
