import { Merge, SessionScoped } from 'nestjs-session-beans';

@SessionScoped({ name: 'cart', version: 1 })
export class Cart {
  @Merge('append') readonly articles: string[] = [];
}
