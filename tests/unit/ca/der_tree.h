/*
 * A request as a tree of DER elements, to be judged or to be changed.  Shares no code with ca/: it is one half of
 * the oracle of test_csr_agree.c.
 */
#ifndef TEST_DER_TREE_H
#define TEST_DER_TREE_H

#include "csr_maker.h"

enum { TREE_NODES = 4096 };

struct node {
	uint8_t		 tag;
	bool		 inside;	/* a string whose octets are one element more: OCTET STRING, BIT STRING */
	const uint8_t	*p;		/* content, when there are no children */
	size_t		 len;
	int		 child, next;	/* indexes, -1 for none */
};

struct tree {
	struct node	n[TREE_NODES];
	int		used;		/* n[0] is the root */
};

/* One whole element of definite, shortest lengths, or false.  look_inside: into strings that hold an element, too. */
bool	tree_parse(struct tree *t, const uint8_t *p, size_t len, bool look_inside);

/* Appends the element with proper lengths. */
void	tree_encode(const struct tree *t, int node, struct bytes *out);

/* The nth child, or -1; how many there are. */
int	tree_child(const struct tree *t, int node, int nth);
int	tree_children(const struct tree *t, int node);

/* Is every element the strict DER of its type?  (Types whose content csr_parse judges: BOOLEAN and so on.) */
bool	tree_strict(const struct tree *t, int node);

/* Is this content an OBJECT IDENTIFIER with these octets? */
bool	tree_is_oid(const struct tree *t, int node, const char *octets);

#endif
