/*
 * A file as bytes of the program: EMBED(page_html, "/abs/path/index.html") at file scope defines
 *
 *     extern const char page_html[], page_html_end[];
 *
 * EMBED_SIZE(page_html) is the size in bytes; one NUL stands behind the end, so that a text can be used as a string.
 * The path comes from CMake (a compile definition), which also lists the file in OBJECT_DEPENDS of the source, so
 * that a changed file is embedded anew.  gcc and clang, ELF, any processor: only directives that gas and clang share.
 */
#ifndef BASE_EMBED_H
#define BASE_EMBED_H

#include <stddef.h>

#define EMBED(symbol, path)                             \
	__asm__(".pushsection .rodata\n"                \
	    "\t.balign 16\n"                            \
	    "\t.global " #symbol "\n"                   \
	    "\t.hidden " #symbol "\n"                   \
	    "\t.type " #symbol ", %object\n"            \
	    #symbol ":\n"                               \
	    "\t.incbin \"" path "\"\n"                  \
	    "\t.global " #symbol "_end\n"               \
	    "\t.hidden " #symbol "_end\n"               \
	    #symbol "_end:\n"                           \
	    "\t.byte 0\n"                               \
	    "\t.size " #symbol ", . - " #symbol "\n"    \
	    "\t.popsection\n");                         \
	extern const char symbol[], symbol##_end[]

#define EMBED_SIZE(symbol)	((size_t)(symbol##_end - symbol))

#endif
