/* Object identifiers: the content octets, as string literals for DER_IS and DER_PUT.  Inside ca/ only. */
#ifndef CA_OID_H
#define CA_OID_H

/* keys: RFC 5480, RFC 8017 */
#define OID_EC_PUBLIC_KEY	"\x2a\x86\x48\xce\x3d\x02\x01"		/* 1.2.840.10045.2.1 */
#define OID_P256		"\x2a\x86\x48\xce\x3d\x03\x01\x07"	/* 1.2.840.10045.3.1.7 */
#define OID_P384		"\x2b\x81\x04\x00\x22"			/* 1.3.132.0.34 */
#define OID_RSA_ENCRYPTION	"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"	/* 1.2.840.113549.1.1.1 */
#define OID_RSASSA_PSS		"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"	/* 1.2.840.113549.1.1.10 */
#define OID_MGF1		"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"	/* 1.2.840.113549.1.1.8 */

/* signatures: RFC 5758, RFC 4055 */
#define OID_ECDSA_SHA256	"\x2a\x86\x48\xce\x3d\x04\x03\x02"	/* 1.2.840.10045.4.3.2 */
#define OID_ECDSA_SHA384	"\x2a\x86\x48\xce\x3d\x04\x03\x03"
#define OID_ECDSA_SHA512	"\x2a\x86\x48\xce\x3d\x04\x03\x04"
#define OID_SHA256_RSA		"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"	/* 1.2.840.113549.1.1.11 */
#define OID_SHA384_RSA		"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"
#define OID_SHA512_RSA		"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"

/* digests: RFC 5754 */
#define OID_SHA256		"\x60\x86\x48\x01\x65\x03\x04\x02\x01"	/* 2.16.840.1.101.3.4.2.1 */
#define OID_SHA384		"\x60\x86\x48\x01\x65\x03\x04\x02\x02"
#define OID_SHA512		"\x60\x86\x48\x01\x65\x03\x04\x02\x03"

/* PKCS#9 extensionRequest: RFC 2985 5.4.2 */
#define OID_EXTENSION_REQUEST	"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e"	/* 1.2.840.113549.1.9.14 */

/* PKCS#7, CMS: RFC 5652 4, 5.1 */
#define OID_PKCS7_DATA		"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"	/* 1.2.840.113549.1.7.1 */
#define OID_PKCS7_SIGNED_DATA	"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"	/* 1.2.840.113549.1.7.2 */

/* CMC changeSubjectName: RFC 6402 2.8 */
#define OID_CHANGE_SUBJECT_NAME	"\x2b\x06\x01\x05\x05\x07\x07\x24"	/* 1.3.6.1.5.5.7.7.36 */

/* subject attributes: RFC 5280 A.1 */
#define OID_COMMON_NAME		"\x55\x04\x03"				/* 2.5.4.3 */
#define OID_COUNTRY		"\x55\x04\x06"
#define OID_LOCALITY		"\x55\x04\x07"
#define OID_STATE		"\x55\x04\x08"
#define OID_ORGANIZATION	"\x55\x04\x0a"
#define OID_ORGANIZATIONAL_UNIT	"\x55\x04\x0b"

/* certificate extensions: RFC 5280 4.2.1 */
#define OID_SUBJECT_KEY_ID	"\x55\x1d\x0e"				/* 2.5.29.14 */
#define OID_KEY_USAGE		"\x55\x1d\x0f"
#define OID_SUBJECT_ALT_NAME	"\x55\x1d\x11"
#define OID_BASIC_CONSTRAINTS	"\x55\x1d\x13"
#define OID_AUTHORITY_KEY_ID	"\x55\x1d\x23"
#define OID_EXT_KEY_USAGE	"\x55\x1d\x25"
#define OID_SERVER_AUTH		"\x2b\x06\x01\x05\x05\x07\x03\x01"	/* 1.3.6.1.5.5.7.3.1 */
#define OID_CLIENT_AUTH		"\x2b\x06\x01\x05\x05\x07\x03\x02"	/* 1.3.6.1.5.5.7.3.2 */

#endif
