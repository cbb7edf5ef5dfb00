#include <string.h>

#include "aws/endpoint.h"
#include "cmocka_test.h"

static void
test_partitions(void **state)
{
	static const struct {
		const char	*region, *partition;	/* NULL: refused */
	} cases[] = {
		{ "eu-central-1", "aws" }, { "us-east-1", "aws" }, { "ap-southeast-10", "aws" }, { "cn-north-1", "aws-cn" },
		{ "cn-northwest-1", "aws-cn" }, { "us-gov-west-1", "aws-us-gov" }, { "us-iso-east-1", NULL }, { "us-isob-east-1", NULL },
		{ "eu-isoe-west-1", NULL }, { "eusc-de-east-1", NULL }, { "", NULL }, { "eu", NULL }, { "eu-central", NULL },
		{ "EU-central-1", NULL }, { "eu_central_1", NULL }, { "eu-central-1.evil.com", NULL }, { "eu-central-1/", NULL },
		{ "eu-central-1@", NULL }, { "eu--central-1", NULL }, { "-eu-central-1", NULL }, { "eu-central-1 ", NULL },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbb-1", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *partition = NULL;
		struct err e;
		enum err_code rc = endpoint_partition(cases[i].region, &partition, &e);

		if (cases[i].partition == NULL) {
			assert_int_equal(rc, ERR_CONFIG);
			assert_null(partition);
		} else {
			assert_int_equal(rc, ERR_OK);
			assert_string_equal(partition, cases[i].partition);
		}
	}
}

static void
test_endpoints(void **state)
{
	static const struct {
		enum aws_service service;
		const char	*region, *partition, *url;
		const char	*base, *host;	/* base NULL: refused */
	} cases[] = {
		{ AWS_IOT, "eu-central-1", "aws", "", "https://iot.eu-central-1.amazonaws.com", "iot.eu-central-1.amazonaws.com" },
		{ AWS_STS, "eu-central-1", "aws", "", "https://sts.eu-central-1.amazonaws.com", "sts.eu-central-1.amazonaws.com" },
		{ AWS_IOT, "cn-north-1", "aws-cn", "", "https://iot.cn-north-1.amazonaws.com.cn", "iot.cn-north-1.amazonaws.com.cn" },
		{ AWS_STS, "cn-north-1", "aws-cn", "", "https://sts.cn-north-1.amazonaws.com.cn", "sts.cn-north-1.amazonaws.com.cn" },
		{ AWS_IOT, "us-gov-west-1", "aws-us-gov", "", "https://iot.us-gov-west-1.amazonaws.com", "iot.us-gov-west-1.amazonaws.com" },
		{ AWS_IOT, "x", "aws", "http://127.0.0.1:18100", "http://127.0.0.1:18100", "127.0.0.1:18100" },
		{ AWS_IOT, "x", "aws", "http://127.0.0.1:18100/", "http://127.0.0.1:18100", "127.0.0.1:18100" },
		{ AWS_IOT, "x", "aws", "https://iot.example.com:443/", "https://iot.example.com", "iot.example.com" },
		{ AWS_IOT, "x", "aws", "http://localhost:80", "http://localhost", "localhost" },
		{ AWS_IOT, "x", "aws", "https://h:80/", "https://h:80", "h:80" },
		{ AWS_IOT, "x", "aws", "HTTPS://VPCE.example.com", "https://vpce.example.com", "vpce.example.com" },
		{ AWS_IOT, "x", "aws", "http://[::1]:8080/", "http://[::1]:8080", "[::1]:8080" },
		{ AWS_IOT, "x", "aws", "https://user:secret@h/", NULL, NULL },
		{ AWS_IOT, "x", "aws", "https://h/path", NULL, NULL },
		{ AWS_IOT, "x", "aws", "https://h/?a=b", NULL, NULL },
		{ AWS_IOT, "x", "aws", "https://h/#a", NULL, NULL },
		{ AWS_IOT, "x", "aws", "https://", NULL, NULL },
		{ AWS_IOT, "x", "aws", "iot.example.com", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct aws_endpoint at;
		struct err e;
		enum err_code rc = endpoint_make(cases[i].service, cases[i].region, cases[i].partition, cases[i].url, &at, &e);

		if (cases[i].base == NULL) {
			assert_int_equal(rc, ERR_CONFIG);
			assert_null(strstr(e.log_text, "secret"));
			continue;
		}
		assert_int_equal(rc, ERR_OK);
		assert_string_equal(at.base, cases[i].base);
		assert_string_equal(at.host, cases[i].host);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_partitions),
		cmocka_unit_test(test_endpoints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
