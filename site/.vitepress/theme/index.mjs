import theme from 'vitepress/theme';
// oxlint-disable-next-line import/no-unassigned-import -- how a theme gets its styles
import './code.css';

export default theme;
