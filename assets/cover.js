// Hands the configured over-layer to the base map.
(() => {
  "use strict";
  // The one object all scripts share: whoever puts another in its place takes no_update from those that hold the first.
  const dash = (window.dash_clientside = window.dash_clientside || {});
  dash.haidang_cover = {
    lay(cover) {
      if (cover && window.haidang && window.haidang.basemap) {
        window.haidang.basemap.over(cover).catch((error) => console.error(`base map: ${error.message}`));
      }
      return dash.no_update;
    },
  };
})();
