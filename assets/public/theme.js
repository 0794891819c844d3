/* The theme that the reader's device asks for, before anything is drawn; without JavaScript it is the light one. */
document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
