import './base.css';
import './panel.css';
import './live.css';
