import { Merge, SessionScoped } from 'nestjs-session-beans';
import { CATALOGUE } from './catalogue.js';

/** The cart of a session. It survives the login. Two requests that add at the same time both count. */
@SessionScoped({ name: 'cart', version: 1 })
export class Cart {
  @Merge('append') private articles: string[] = [];

  add(article: string): void {
    this.articles.push(article);
  }

  remove(article: string): void {
    const index = this.articles.indexOf(article);
    if (index >= 0) this.articles.splice(index, 1);
  }

  clear(): void {
    this.articles = [];
  }

  /** Its articles with their quantities, and the price of all in cents. */
  content() {
    const articles = [...CATALOGUE.keys()].filter((article) => this.articles.includes(article));
    const lines = articles.map((article) => ({
      article,
      quantity: this.articles.filter((one) => one === article).length,
    }));
    return { lines, total: this.articles.reduce((sum, article) => sum + (CATALOGUE.get(article) ?? 0), 0) };
  }
}
