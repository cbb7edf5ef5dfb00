#include "web/assets.h"

#include <string.h>

#include "base/embed.h"

EMBED(asset_index_html, WEB_DIR "/index.html");
EMBED(asset_app_js, WEB_DIR "/app.js");
EMBED(asset_openapi_json, WEB_DIR "/openapi.json");
EMBED(asset_icon_svg, WEB_DIR "/icon.svg");
EMBED(asset_style_css, WEB_DIR "/style.css");

static const struct asset assets[] = {
	{ "/", "text/html; charset=utf-8", asset_index_html, asset_index_html_end },
	{ "/app.js", "text/javascript; charset=utf-8", asset_app_js, asset_app_js_end },
	{ "/icon.svg", "image/svg+xml", asset_icon_svg, asset_icon_svg_end },
	{ "/openapi.json", "application/json", asset_openapi_json, asset_openapi_json_end },	/* what server/openapi.c completes */
	{ "/style.css", "text/css; charset=utf-8", asset_style_css, asset_style_css_end },
};

const struct asset *
asset_find(const char *path)
{
	for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++)
		if (strcmp(assets[i].path, path) == 0)
			return &assets[i];
	return NULL;
}
