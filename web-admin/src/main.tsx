// Where the panel starts in the browser.
import { render } from "preact";
import { App } from "./app";
import "./style.css";
import "./components/components.css";

const root = document.getElementById("app");
if (root) render(<App />, root);
