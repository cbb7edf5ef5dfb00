/*
 * Runs a fuzz target over every file of the folders and files given: what libFuzzer's own main does when it is given
 * files, for compilers that have none.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { INPUT_BYTES_MAX = 1024 * 1024 };

static unsigned inputs;

static int
run_file(const char *path)
{
	static uint8_t buf[INPUT_BYTES_MAX];
	FILE *f = fopen(path, "rb");
	uint8_t *exact;
	size_t len;

	if (f == NULL) {
		(void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	len = fread(buf, 1, sizeof(buf), f);
	(void)fclose(f);
	if ((exact = malloc(len > 0 ? len : 1)) == NULL)	/* of its own size: reading past it is found */
		return -1;
	memcpy(exact, buf, len);
	(void)LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	inputs++;
	return 0;
}

static int
run_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	char file[4096];
	int rc = 0;

	if (d == NULL) {
		(void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(file, sizeof(file), "%s/%s", path, entry->d_name) >= (int)sizeof(file) || run_file(file) != 0)
			rc = -1;
	}
	(void)closedir(d);
	return rc;
}

int
main(int argc, char **argv)
{
	int rc = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;
		int one = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode) ? run_folder(argv[i]) : run_file(argv[i]);

		rc = one != 0 ? 1 : rc;
	}
	(void)printf("%u inputs\n", inputs);
	return inputs == 0 ? 1 : rc;
}
