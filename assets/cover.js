// Hands the configured over-layer to the base map.
window.dash_clientside = Object.assign({}, window.dash_clientside, {
  haidang_cover: {
    lay(cover) {
      if (cover && window.haidang && window.haidang.basemap) {
        window.haidang.basemap.over(cover).catch((error) => console.error(`base map: ${error.message}`));
      }
      return window.dash_clientside.no_update;
    },
  },
});
