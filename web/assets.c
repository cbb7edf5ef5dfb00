#include "web/assets.h"

#include <string.h>

#include "base/embed.h"

#define TYPE_html	"text/html; charset=utf-8"
#define TYPE_js		"text/javascript; charset=utf-8"
#define TYPE_css	"text/css; charset=utf-8"
#define TYPE_svg	"image/svg+xml"
#define TYPE_json	"application/json"

#include "assets_table.h"

/* index.html is "/"; openapi.json is what server/openapi.c completes */
static const struct asset assets[] = {
	ASSETS_TABLE
};

const struct asset *
asset_find(const char *path)
{
	for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++)
		if (strcmp(assets[i].path, path) == 0)
			return &assets[i];
	return NULL;
}
