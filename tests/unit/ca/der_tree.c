#include "der_tree.h"

#include <string.h>

enum { DEPTH_MAX = 60 };

struct cursor {
	const uint8_t	*p, *end;
};

static int parse_one(struct tree *t, struct cursor *c, bool look_inside, int depth);

/* The elements that fill p to end, as children of node. */
static bool
parse_children(struct tree *t, int node, const uint8_t *p, const uint8_t *end, bool look_inside, int depth)
{
	struct cursor c = { p, end };
	int last = -1;

	while (c.p < c.end) {
		int k = parse_one(t, &c, look_inside, depth + 1);

		if (k < 0)
			return false;
		if (last < 0)
			t->n[node].child = k;
		else
			t->n[last].next = k;
		last = k;
	}
	return true;
}

static bool
parse_length(struct cursor *c, size_t *ret)
{
	size_t first, len;

	if (c->p == c->end)
		return false;
	first = *c->p++;
	switch (first) {
	case 0x81:
		if (c->end - c->p < 1 || (len = c->p[0]) < 128)
			return false;
		c->p += 1;
		break;
	case 0x82:
		if (c->end - c->p < 2 || (len = (size_t)c->p[0] * 256 + c->p[1]) < 256)
			return false;
		c->p += 2;
		break;
	default:
		if (first > 127)
			return false;	/* 16 KiB need no more */
		len = first;
	}
	*ret = len;
	return len <= (size_t)(c->end - c->p);
}

static int
parse_one(struct tree *t, struct cursor *c, bool look_inside, int depth)
{
	size_t len, skip;
	int self, used;

	if (depth > DEPTH_MAX || t->used == TREE_NODES || c->p == c->end || (*c->p & 31) == 31)
		return -1;
	self = t->used++;
	t->n[self] = (struct node){ .tag = *c->p++, .child = -1, .next = -1 };
	if (!parse_length(c, &len))
		return -1;
	t->n[self].p = c->p;
	t->n[self].len = len;
	c->p += len;
	if (t->n[self].tag & 0x20)
		return parse_children(t, self, t->n[self].p, c->p, look_inside, depth) ? self : -1;
	skip = t->n[self].tag == 0x03 ? 1 : 0;
	if (look_inside && (t->n[self].tag == 0x04 || t->n[self].tag == 0x03) && len > skip + 2 && t->n[self].p[skip] == 0x30) {
		used = t->used;
		t->n[self].inside = parse_children(t, self, t->n[self].p + skip, c->p, true, depth);
		if (!t->n[self].inside) {	/* it only looked like one */
			t->n[self].child = -1;
			t->used = used;
		}
	}
	return self;
}

bool
tree_parse(struct tree *t, const uint8_t *p, size_t len, bool look_inside)
{
	struct cursor c = { p, p + len };

	t->used = 0;
	return parse_one(t, &c, look_inside, 0) == 0 && c.p == c.end;
}

void
tree_encode(const struct tree *t, int node, struct bytes *out)
{
	const struct node *n = &t->n[node];
	size_t start = out->len, len;
	uint8_t header[4];
	size_t h = 2;

	if (n->inside && n->tag == 0x03)
		BYTES_ADD(out, "\0");
	if (n->inside || (n->tag & 0x20))
		for (int k = n->child; k >= 0; k = t->n[k].next)
			tree_encode(t, k, out);
	else
		bytes_add(out, n->p, n->len);
	len = out->len - start;
	header[0] = n->tag;
	if (len < 128) {
		header[1] = (uint8_t)len;
	} else if (len < 256) {
		header[1] = 0x81;
		header[2] = (uint8_t)len;
		h = 3;
	} else {
		header[1] = 0x82;
		header[2] = (uint8_t)(len / 256);
		header[3] = (uint8_t)(len % 256);
		h = 4;
	}
	bytes_add(out, header, h);	/* makes room */
	memmove(out->p + start + h, out->p + start, len);
	memcpy(out->p + start, header, h);
}

int
tree_child(const struct tree *t, int node, int nth)
{
	int k = t->n[node].child;

	while (k >= 0 && nth-- > 0)
		k = t->n[k].next;
	return k;
}

int
tree_children(const struct tree *t, int node)
{
	int count = 0;

	for (int k = t->n[node].child; k >= 0; k = t->n[k].next)
		count++;
	return count;
}

static bool
strict_oid(const struct node *n)
{
	if (n->len == 0 || n->p[n->len - 1] > 127 || n->p[0] == 128)
		return false;
	for (size_t i = 1; i < n->len; i++)
		if (n->p[i] == 128 && n->p[i - 1] < 128)
			return false;
	return true;
}

static bool
strict_content(const struct node *n)
{
	switch (n->tag) {
	case 0x01:
		return n->len == 1 && (n->p[0] == 0 || n->p[0] == 255);
	case 0x02:
		if (n->len == 0)
			return false;
		if (n->len == 1)
			return true;
		return !(n->p[0] == 0 && n->p[1] <= 127) && !(n->p[0] == 255 && n->p[1] >= 128);
	case 0x03:
		if (n->len == 0 || n->p[0] > 7 || (n->len == 1 && n->p[0] != 0))
			return false;
		return n->len == 1 || n->p[n->len - 1] % (1 << n->p[0]) == 0;
	case 0x05:
		return n->len == 0;
	case 0x06:
		return strict_oid(n);
	case 0x1c:
		return n->len % 4 == 0;
	case 0x1e:
		return n->len % 2 == 0;
	case 0x00:
	case 0x10:
	case 0x11:
		return false;
	default:
		return true;
	}
}

bool
tree_strict(const struct tree *t, int node)
{
	const struct node *n = &t->n[node];

	if ((n->tag & 0x20) == 0)
		return strict_content(n);
	if ((n->tag & 0xc0) == 0 && n->tag != 0x30 && n->tag != 0x31)
		return false;
	for (int k = n->child; k >= 0; k = t->n[k].next)
		if (!tree_strict(t, k))
			return false;
	return true;
}

bool
tree_is_oid(const struct tree *t, int node, const char *octets)
{
	return node >= 0 && t->n[node].tag == 0x06 && t->n[node].len == strlen(octets) &&
	    memcmp(t->n[node].p, octets, t->n[node].len) == 0;
}
