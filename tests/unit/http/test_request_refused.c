/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ambiguous and malformed requests: each case names the sentence that decides it. Where the RFC
 * leaves the choice to the recipient, the strict one is taken, and the sentence says what allows
 * it.
 */
#include <errno.h>

#include "http_case.h"

struct refused {
	const char *rfc;
	const char *bytes;
	size_t len;
	uint16_t status;
	const char *text;
};

#define NINE_1 "RFC 9110 9.1: method = token; methods are case-sensitive; unrecognised: 501"
#define TWELVE_2_2_CR "RFC 9112 2.2: a bare CR makes the element invalid"
#define TWELVE_2_2_LF "RFC 9112 2.2: a lone LF MAY be taken as a line terminator: it is not"
#define TWELVE_2_3 "RFC 9112 2.3: HTTP-version = HTTP-name \"/\" DIGIT \".\" DIGIT, case-sensitive"
#define TWELVE_3 "RFC 9112 3: request-line = method SP request-target SP HTTP-version"
#define TWELVE_3_2 "RFC 9112 3.2: invalid request-line: 400"
#define TWELVE_3_2_HOST "RFC 9112 3.2: 400 to lacking, repeated or invalid Host"
#define TWELVE_5_1 "RFC 9112 5.1: no white space between field name and colon: 400"
#define TWELVE_5_2 "RFC 9112 5.2: obs-fold: 400"
#define TEN_5_5 "RFC 9110 5.5: CR, LF and NUL in values are invalid and dangerous"
#define TEN_5_6_2 "RFC 9110 5.6.2: field-name = token = 1*tchar"
#define TEN_8_6 "RFC 9110 8.6: Content-Length = 1*DIGIT; parse errors and overflow to be excluded"
#define TWELVE_6_3_CL "RFC 9112 6.3: invalid Content-Length is unrecoverable: 400, close"
#define TWELVE_6_3_BOTH "RFC 9112 6.3: Content-Length with Transfer-Encoding ought to be an error"
#define TWELVE_6_3_TE "RFC 9112 6.3: chunked is not the final coding of a request: 400, close"
#define TWELVE_6_1_10 "RFC 9112 6.1: Transfer-Encoding in HTTP/1.0: framing is faulty"
#define TWELVE_6_1_501 "RFC 9112 6.1: transfer coding not understood: 501"
#define TWELVE_7_1 "RFC 9112 6.1: chunked MUST NOT be applied more than once"
#define TEN_7_6_1 "RFC 9110 7.6.1: no connection option for a field meant for all recipients"

#define R(rfc, lit, status, text)             \
	{                                     \
		rfc, BYTES(lit), status, text \
	}
#define LINE(line) line END HOST END
#define FIELD(field) FIRST HOST field END END

static const struct refused lines[] = {
	R(TWELVE_3, END END, 400, "empty request line"),
	R(TWELVE_3, END END LINE("GET / HTTP/1.1"), 400, "empty request line"),
	R(TWELVE_2_2_LF, "\n" LINE("GET / HTTP/1.1"), 400, "empty request line"),
	R(TWELVE_3, END, 400, "empty request line"),
	R(TWELVE_3, LINE(" GET / HTTP/1.1"), 400, "bad method"),
	R(TWELVE_3, LINE("GET  / HTTP/1.1"), 400, "empty target"),
	R(TWELVE_3, LINE("GET /  HTTP/1.1"), 400, "bad HTTP version"),
	R(TWELVE_3, LINE("GET / HTTP/1.1 "), 400, "bytes where the line must end"),
	R(TWELVE_3, LINE("GET\t/ HTTP/1.1"), 400, "bad character in method"),
	R(TWELVE_3, LINE("GET /\tHTTP/1.1"), 400, "control character in target"),
	R(TWELVE_3, LINE("GET /a b HTTP/1.1"), 400, "bad HTTP version"),
	R(TWELVE_3, LINE("GET"), 400, "bad character in method"),
	R("RFC 9112 2.3: HTTP/0.9 is no HTTP/1.1 message syntax", LINE("GET /"), 400,
	  "request line without version"),
	R(TWELVE_2_3, LINE("GET / "), 400, "bad HTTP version"),
	R(TWELVE_2_3, LINE("GET / http/1.1"), 400, "bad HTTP version"),
	R(TWELVE_2_3, LINE("GET / Http/1.1"), 400, "bad HTTP version"),
	R(TWELVE_2_3, LINE("GET / HTTP/1"), 400, "bad HTTP version"),
	R(TWELVE_2_3, LINE("GET / HTTP/11"), 400, "bad HTTP version"),
	R(TWELVE_2_3, LINE("GET / HTTP/1.10"), 400, "bytes where the line must end"),
	R(TWELVE_2_3, LINE("GET / HTTP/1,1"), 400, "bad HTTP version"),
	R(TWELVE_2_3, LINE("GET / HTTP /1.1"), 400, "bad HTTP version"),
	R(TWELVE_2_3, LINE("GET / XTTP/1.1"), 400, "bad HTTP version"),
	R("RFC 9110 15.6.6: major version not supported: 505", LINE("GET / HTTP/2.0"), 505,
	  "HTTP version not supported"),
	R("RFC 9110 15.6.6", LINE("GET / HTTP/0.9"), 505, "HTTP version not supported"),
	R("RFC 9110 15.6.6", LINE("GET / HTTP/3.7"), 505, "HTTP version not supported"),
	R("RFC 9110 2.5: a higher minor version does not exist", LINE("GET / HTTP/1.2"), 505,
	  "HTTP version not supported"),
	R("RFC 9113 3.4: the preface of HTTP/2 is made to fail here", "PRI * HTTP/2.0\r\n\r\n", 505,
	  "HTTP version not supported"),
	R(NINE_1, LINE("get / HTTP/1.1"), 501, "method not implemented"),
	R(NINE_1, LINE("Get / HTTP/1.1"), 501, "method not implemented"),
	R(NINE_1, LINE("GETT / HTTP/1.1"), 501, "method not implemented"),
	R(NINE_1, LINE("TRACE / HTTP/1.1"), 501, "method not implemented"),
	R(NINE_1, LINE("PROPFIND / HTTP/1.1"), 501, "method not implemented"),
	R("RFC 9112 3: a method longer than any implemented: 501",
	  LINE("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZ / HTTP/1.1"), 501,
	  "method not implemented"),
	R(NINE_1, LINE("G@T / HTTP/1.1"), 400, "bad character in method"),
	R(NINE_1, LINE("G\x80T / HTTP/1.1"), 400, "bad character in method"),
	R(NINE_1, LINE("G\0T / HTTP/1.1"), 400, "bad character in method"),
	R("RFC 9110 9.3.6: CONNECT is not implemented", LINE("CONNECT a:443 HTTP/1.1"), 501,
	  "method not implemented"),
	R(TWELVE_2_2_LF, "GET / HTTP/1.1\n" HOST END, 400, "bare LF"),
	R(TWELVE_2_2_LF, "GET / HTTP/1.1\nHost: a\n\n", 400, "bare LF"),
	R(TWELVE_2_2_CR, "GET / HTTP/1.1\r" HOST END, 400, "bare CR"),
	R(TWELVE_2_2_CR, "GET /\rHTTP/1.1\r\n" HOST END, 400, "control character in target"),
	R(TWELVE_2_2_CR, "GET / HTTP/1.1\r\r\n" HOST END, 400, "bare CR"),
	R(TWELVE_3, "GET / HTTP/1.1\r\n", 400, "head without an end"),
	R(TWELVE_3, "GET / HTTP/1.1\r\n" HOST, 400, "head without an end"),
	R(TWELVE_3, "", 400, "head without an end"),
	R(TWELVE_3, "\r", 400, "head without an end"),
	R(TWELVE_3, "GET / HTTP/1.1", 400, "head without an end"),
	R("RFC 9112 2.1: the empty line ends the head", FIRST HOST END "x\n", 400,
	  "bytes after the head"),
};

static const struct refused targets[] = {
	R(TWELVE_3_2, LINE("GET /\x01 HTTP/1.1"), 400, "control character in target"),
	R(TWELVE_3_2, LINE("GET /\0 HTTP/1.1"), 400, "control character in target"),
	R(TWELVE_3_2, LINE("GET /\x7f HTTP/1.1"), 400, "control character in target"),
	R(TWELVE_3_2, LINE("GET /?\x1b HTTP/1.1"), 400, "control character in target"),
	R("RFC 3986 2: URIs are ASCII", LINE("GET /\xff HTTP/1.1"), 400,
	  "non-ASCII byte in target"),
	R("RFC 3986 2", LINE("GET /?n=\xc3\xa9 HTTP/1.1"), 400, "non-ASCII byte in target"),
	R("RFC 9110 7.1: the target excludes the fragment", LINE("GET /#x HTTP/1.1"), 400,
	  "fragment in target"),
	R("RFC 9110 7.1", LINE("GET /?a=b#x HTTP/1.1"), 400, "fragment in target"),
	R("RFC 3986 3.3: pchar", LINE("GET /a\\b HTTP/1.1"), 400, "bad character in path"),
	R("RFC 3986 3.3: pchar", LINE("GET /a<b> HTTP/1.1"), 400, "bad character in path"),
	R("RFC 3986 3.3: pchar", LINE("GET /a\"b HTTP/1.1"), 400, "bad character in path"),
	R("RFC 3986 3.3: pchar", LINE("GET /{a} HTTP/1.1"), 400, "bad character in path"),
	R("RFC 3986 3.3: pchar", LINE("GET /a|b HTTP/1.1"), 400, "bad character in path"),
	R("RFC 3986 3.3: pchar", LINE("GET /a^b HTTP/1.1"), 400, "bad character in path"),
	R("RFC 3986 3.3: pchar", LINE("GET /a`b HTTP/1.1"), 400, "bad character in path"),
	R("RFC 3986 3.3: pchar", LINE("GET /[a] HTTP/1.1"), 400, "bad character in path"),
	R("RFC 9112 3.2.4: asterisk-form only for a server-wide OPTIONS", LINE("GET * HTTP/1.1"),
	  400, "asterisk-form without OPTIONS"),
	R("RFC 9112 3.2.4", LINE("OPTIONS ** HTTP/1.1"), 400, "bad target form"),
	R("RFC 9112 3.2.3: authority-form only for CONNECT", LINE("GET a:443 HTTP/1.1"), 400,
	  "bad target form"),
	R("RFC 9112 3.2.1: origin-form begins with a slash", LINE("GET api/v1 HTTP/1.1"), 400,
	  "bad target form"),
	R("RFC 9112 3.2.1", LINE("GET ?a HTTP/1.1"), 400, "bad target form"),
	R("RFC 9112 3.2.2: absolute-form of another scheme", LINE("GET ftp://a/ HTTP/1.1"), 400,
	  "bad target form"),
	R("RFC 9112 3.2.2: Host that differs would be replaced: refused",
	  LINE("GET https://b/ HTTP/1.1"), 400, "target and Host differ"),
	R("RFC 9112 3.2.2", LINE("GET https://a:443/ HTTP/1.1"), 400, "target and Host differ"),
	R("RFC 9112 3.2.2", LINE("GET https:/// HTTP/1.1"), 400, "target and Host differ"),
	R("RFC 9110 4.2.4: userinfo is an error", LINE("GET https://u@a/ HTTP/1.1"), 400,
	  "target and Host differ"),
	R("RFC 9112 3.2.1: an empty path is sent as a slash", LINE("GET https://a?x HTTP/1.1"), 400,
	  "absolute target without path"),
	R("RFC 3986 3.3", LINE("GET https://a/<x> HTTP/1.1"), 400, "bad character in path"),
	R("RFC 9112 3.2.2: absolute-form in HTTP/1.0 without Host",
	  "GET http://a/ HTTP/1.0\r\n\r\n", 400, "no Host"),
};

static const struct refused hosts[] = {
	R(TWELVE_3_2_HOST, FIRST END, 400, "no Host"),
	R(TWELVE_3_2_HOST, FIRST HOST HOST END, 400, "two Host fields"),
	R(TWELVE_3_2_HOST, FIRST HOST "hOST: b\r\n" END, 400, "two Host fields"),
	R(TWELVE_3_2_HOST, "GET / HTTP/1.0\r\n" HOST HOST END, 400, "two Host fields"),
	R("RFC 9110 4.2.2: an empty host is invalid", FIRST "Host:\r\n" END, 400, "bad Host"),
	R(TWELVE_3_2_HOST, FIRST "Host: a b\r\n" END, 400, "bad Host"),
	R(TWELVE_3_2_HOST, FIRST "Host: a,b\r\n" END, 400, "bad Host"),
	R(TWELVE_3_2_HOST, FIRST "Host: a/b\r\n" END, 400, "bad Host"),
	R(TWELVE_3_2_HOST, FIRST "Host: a?b\r\n" END, 400, "bad Host"),
	R(TWELVE_3_2_HOST, FIRST "Host: u@a\r\n" END, 400, "bad Host"),
	R(TWELVE_3_2_HOST, FIRST "Host: a%61\r\n" END, 400, "bad Host"),
	R(TWELVE_3_2_HOST, FIRST "Host: a:\r\n" END, 400, "bad Host"),
	R(TWELVE_3_2_HOST, FIRST "Host: :80\r\n" END, 400, "bad Host"),
	R(TWELVE_3_2_HOST, FIRST "Host: a:8x\r\n" END, 400, "bad Host"),
	R(TWELVE_3_2_HOST, FIRST "Host: a:65536\r\n" END, 400, "bad Host"),
	R(TWELVE_3_2_HOST, FIRST "Host: a:000080\r\n" END, 400, "bad Host"),
	R(TWELVE_3_2_HOST, FIRST "Host: a:1:2\r\n" END, 400, "bad Host"),
	R(TWELVE_3_2_HOST, FIRST "Host: [::1\r\n" END, 400, "bad Host"),
	R(TWELVE_3_2_HOST, FIRST "Host: [::g]\r\n" END, 400, "bad Host"),
	R(TWELVE_3_2_HOST, FIRST "Host: []\r\n" END, 400, "bad Host"),
	R(TWELVE_3_2_HOST, FIRST "Host: [::1]x\r\n" END, 400, "bad Host"),
	R(TWELVE_3_2_HOST, FIRST "Host: ::1\r\n" END, 400, "bad Host"),
	R(TWELVE_3_2_HOST, FIRST "Host: a\xe9\r\n" END, 400, "bad Host"),
	R(TWELVE_5_1, FIRST "Host : a\r\n" END, 400, "space before colon"),
};

static const struct refused fields[] = {
	R(TWELVE_5_1, FIELD("X : y"), 400, "space before colon"),
	R(TWELVE_5_1, FIELD("X\t: y"), 400, "space before colon"),
	R(TWELVE_5_1, FIELD("X y: z"), 400, "space before colon"),
	R(TWELVE_5_2, FIELD("X: y\r\n z"), 400, "obs-fold"),
	R(TWELVE_5_2, FIELD("X: y\r\n\tz"), 400, "obs-fold"),
	R(TWELVE_5_2, FIELD("X: y\r\n "), 400, "obs-fold"),
	R("RFC 9112 2.2: white space before the first field: reject", FIRST " " HOST END, 400,
	  "white space before first field"),
	R("RFC 9112 2.2", FIRST "\t\r\n" HOST END, 400, "white space before first field"),
	R(TEN_5_6_2, FIELD(": y"), 400, "empty field name"),
	R(TEN_5_6_2, FIELD("X"), 400, "field line without colon"),
	R(TEN_5_6_2, FIELD("X(y): z"), 400, "bad character in field name"),
	R(TEN_5_6_2, FIELD("X@y: z"), 400, "bad character in field name"),
	R(TEN_5_6_2, FIELD("X[y]: z"), 400, "bad character in field name"),
	R(TEN_5_6_2, FIELD("X{y: z"), 400, "bad character in field name"),
	R(TEN_5_6_2, FIELD("X/y: z"), 400, "bad character in field name"),
	R(TEN_5_6_2, FIELD("\"X\": z"), 400, "bad character in field name"),
	R(TEN_5_6_2, FIELD("X,y: z"), 400, "bad character in field name"),
	R(TEN_5_6_2, FIELD("X;y: z"), 400, "bad character in field name"),
	R(TEN_5_6_2, FIELD("X=y"), 400, "bad character in field name"),
	R(TEN_5_6_2, FIELD("X\\y: z"), 400, "bad character in field name"),
	R(TEN_5_6_2, FIELD("X\x80y: z"), 400, "bad character in field name"),
	R(TEN_5_6_2, FIELD("X\xc3\xa9: z"), 400, "bad character in field name"),
	R(TEN_5_6_2, FIELD("X\0: z"), 400, "bad character in field name"),
	R(TEN_5_6_2, FIELD("X\x7f: z"), 400, "bad character in field name"),
	R(TEN_5_6_2, FIELD("X\ry: z"), 400, "bare CR"),
	R(TEN_5_6_2, FIELD("X\ny: z"), 400, "bare LF"),
	R(TEN_5_5, FIELD("X: a\0b"), 400, "NUL"),
	R(TEN_5_5, FIELD("X: 0123456789abcdef\0"), 400, "NUL"),
	R(TEN_5_5, FIELD("X: a\rb"), 400, "bare CR"),
	R(TEN_5_5, FIELD("X: a\r"), 400, "bare CR"),
	R(TEN_5_5, FIELD("X: a\nY: b"), 400, "bare LF"),
	R(TEN_5_5, FIELD("X: a\x0b"), 400, "control character"),
	R(TEN_5_5, FIELD("X: a\x0c"), 400, "control character"),
	R(TEN_5_5, FIELD("X: \x01"), 400, "control character"),
	R(TEN_5_5, FIELD("X: \x1b[0m"), 400, "control character"),
	R(TEN_5_5, FIELD("X: a\x7f"), 400, "control character"),
	R(TWELVE_2_2_LF, FIRST HOST "\n", 400, "bare LF"),
	R(TWELVE_2_2_LF, FIRST HOST "X: y\r\n\n", 400, "bare LF"),
	R(TWELVE_2_2_CR, FIRST HOST "\r\r\n", 400, "bare CR"),
};

#define CL(value) FIELD("Content-Length:" value)

static const struct refused lengths[] = {
	R(TWELVE_6_3_CL, FIELD("Content-Length: 1\r\nContent-Length: 2"), 400,
	  "two Content-Length fields"),
	R("RFC 9110 8.6: equal repeated values MAY be rejected",
	  FIELD("Content-Length: 1\r\nContent-Length: 1"), 400, "two Content-Length fields"),
	R("RFC 9110 8.6", FIELD("Content-Length: 1\r\nCONTENT-LENGTH: 1"), 400,
	  "two Content-Length fields"),
	R("RFC 9110 8.6", CL(" 1, 1"), 400, "Content-Length is not a number"),
	R("RFC 9110 8.6", CL(" 1,1"), 400, "Content-Length is not a number"),
	R(TWELVE_6_3_CL, CL(" 1,2"), 400, "Content-Length is not a number"),
	R(TEN_8_6, CL(""), 400, "empty Content-Length"),
	R(TEN_8_6, CL(" "), 400, "empty Content-Length"),
	R(TEN_8_6, CL(" +1"), 400, "Content-Length is not a number"),
	R(TEN_8_6, CL(" -1"), 400, "Content-Length is not a number"),
	R(TEN_8_6, CL(" 0x0"), 400, "Content-Length is not a number"),
	R(TEN_8_6, CL(" 1e1"), 400, "Content-Length is not a number"),
	R(TEN_8_6, CL(" 1.0"), 400, "Content-Length is not a number"),
	R(TEN_8_6, CL(" 1 1"), 400, "Content-Length is not a number"),
	R(TEN_8_6, CL(" \"1\""), 400, "Content-Length is not a number"),
	R(TEN_8_6, CL(" 1;"), 400, "Content-Length is not a number"),
	R(TEN_8_6, CL(" 1\xa0"), 400, "Content-Length is not a number"),
	R(TEN_8_6, CL(" 9223372036854775808"), 400, "Content-Length overflow"),
	R(TEN_8_6, CL(" 18446744073709551616"), 400, "Content-Length overflow"),
	R(TEN_8_6, CL(" 18446744073709551617"), 400, "Content-Length overflow"),
	R(TEN_8_6, CL(" 99999999999999999999999999999999"), 400, "Content-Length overflow"),
	R(TEN_8_6, CL(" 00000000000000000001"), 400, "Content-Length overflow"),
};

#define TE(value) FIELD("Transfer-Encoding:" value)

static const struct refused codings[] = {
	R(TWELVE_6_3_BOTH, FIELD("Content-Length: 4\r\nTransfer-Encoding: chunked"), 400,
	  "Transfer-Encoding with Content-Length"),
	R(TWELVE_6_3_BOTH, FIELD("Transfer-Encoding: chunked\r\nContent-Length: 0"), 400,
	  "Transfer-Encoding with Content-Length"),
	R(TWELVE_6_3_BOTH, FIELD("transfer-encoding: identity\r\ncontent-length: 5"), 400,
	  "Transfer-Encoding with Content-Length"),
	R(TWELVE_6_1_10, "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 400,
	  "Transfer-Encoding in HTTP/1.0"),
	R(TWELVE_7_1, FIELD("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 400,
	  "two Transfer-Encoding fields"),
	R(TWELVE_7_1, FIELD("Transfer-Encoding: gzip\r\ntransfer-encoding: chunked"), 400,
	  "two Transfer-Encoding fields"),
	R(TWELVE_7_1, TE(" chunked, chunked"), 400, "Transfer-Encoding is not chunked"),
	R(TWELVE_6_3_TE, TE(" chunked, gzip"), 400, "Transfer-Encoding is not chunked"),
	R(TWELVE_6_3_TE, TE(" chunked, identity"), 400, "Transfer-Encoding is not chunked"),
	R(TWELVE_6_3_TE, TE(" gzip"), 400, "Transfer-Encoding is not chunked"),
	R(TWELVE_6_3_TE, TE(" identity"), 400, "Transfer-Encoding is not chunked"),
	R(TWELVE_6_3_TE, TE(" xchunked"), 400, "Transfer-Encoding is not chunked"),
	R(TWELVE_6_3_TE, TE(" chunkedx"), 400, "Transfer-Encoding is not chunked"),
	R(TWELVE_6_3_TE, TE(" chunke"), 400, "Transfer-Encoding is not chunked"),
	R(TWELVE_6_3_TE, TE(" \"chunked\""), 400, "Transfer-Encoding is not chunked"),
	R(TWELVE_6_3_TE, TE(" chunked;q=1"), 400, "Transfer-Encoding is not chunked"),
	R(TWELVE_6_3_TE, TE(" chunked chunked"), 400, "Transfer-Encoding is not chunked"),
	R("RFC 9110 5.6.1: a sender MUST NOT generate empty list elements", TE(" ,chunked"), 400,
	  "Transfer-Encoding is not chunked"),
	R("RFC 9110 5.6.1", TE(" chunked,"), 400, "Transfer-Encoding is not chunked"),
	R(TWELVE_6_3_TE, TE(""), 400, "empty Transfer-Encoding"),
	R(TWELVE_6_3_TE, TE(" ,"), 400, "empty Transfer-Encoding"),
	R(TWELVE_6_1_501, TE(" gzip, chunked"), 501, "transfer coding not implemented"),
	R(TWELVE_6_1_501, TE(" identity, chunked"), 501, "transfer coding not implemented"),
	R(TEN_5_5,
	  TE(" \x0b"
	     "chunked"),
	  400, "control character"),
	R(TEN_5_5, TE(" chunked\0"), 400, "NUL"),
	R(TEN_5_5, TE("\rchunked"), 400, "bare CR"),
	R(TWELVE_2_2_LF, TE("\nchunked"), 400, "bare LF"),
	R(TWELVE_5_1, FIELD("Transfer-Encoding : chunked"), 400, "space before colon"),
	R(TWELVE_5_2, FIELD("X: y\r\n Transfer-Encoding: chunked"), 400, "obs-fold"),
	R(TWELVE_5_2, FIELD("Transfer-Encoding:\r\n chunked"), 400, "obs-fold"),
};

static const struct refused connections[] = {
	R(TEN_7_6_1, FIELD("Connection: Host"), 400, "Connection names an end-to-end field"),
	R(TEN_7_6_1, FIELD("Connection: close, Authorization"), 400,
	  "Connection names an end-to-end field"),
	R(TEN_7_6_1, FIELD("Connection: Content-Length"), 400,
	  "Connection names an end-to-end field"),
	R(TEN_7_6_1, FIELD("Connection: transfer-encoding"), 400,
	  "Connection names an end-to-end field"),
	R(TEN_7_6_1, FIELD("Connection: X-Remote-User"), 400,
	  "Connection names an end-to-end field"),
	R(TEN_7_6_1, FIELD("Connection: x_remote_group"), 400,
	  "Connection names an end-to-end field"),
	R(TEN_7_6_1, FIELD("Connection: X-Forwarded-For"), 400,
	  "Connection names an end-to-end field"),
	R(TEN_7_6_1, FIELD("Connection: Impersonate-User"), 400,
	  "Connection names an end-to-end field"),
	R(TEN_7_6_1, FIELD("Connection: impersonate-extra-scopes"), 400,
	  "Connection names an end-to-end field"),
	R("RFC 9110 7.6.1: connection-option = token", FIELD("Connection: a b"), 400,
	  "bad Connection option"),
	R("RFC 9110 7.6.1", FIELD("Connection: \"close\""), 400, "bad Connection option"),
	R("RFC 9110 5.6.1: a reasonable number of elements",
	  FIELD("Connection: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"), 400,
	  "too many Connection options"),
	R("RFC 9110 10.1.1: unknown expectation: 417", FIELD("Expect: 200-ok"), 417,
	  "unknown expectation"),
	R("RFC 9110 10.1.1", FIELD("Expect: 100-continue, x"), 417, "unknown expectation"),
	R("RFC 9110 10.1.1", FIELD("Expect:"), 417, "unknown expectation"),
	R("RFC 9110 10.1.1", FIELD("Expect: 100-continue\r\nExpect: y"), 417,
	  "unknown expectation"),
};

static void
check_all(const struct refused *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct ks_http_error err = {"", 0, 0};
		struct ks_http_head head;
		char *copy;
		int rc = request_parse(cases[i].bytes, cases[i].len, &head, &err, &copy);

		if (rc != -EBADMSG || err.status != cases[i].status ||
		    strcmp(err.text, cases[i].text) != 0)
			printf("\n  case %zu (%s): rc %d status %u \"%s\"\n", i, cases[i].rfc, rc,
			       err.status, err.text);
		CU_ASSERT_EQUAL(rc, -EBADMSG);
		CU_ASSERT_EQUAL(err.status, cases[i].status);
		CU_ASSERT_STRING_EQUAL(err.text, cases[i].text);
		CU_ASSERT(err.offset <= cases[i].len);
		free(copy);
	}
}

#define CHECK(table)                                    \
	static void table##_are_refused(void)           \
	{                                               \
		check_all(table, KS_ARRAY_SIZE(table)); \
	}

CHECK(lines)
CHECK(targets)
CHECK(hosts)
CHECK(fields)
CHECK(lengths)
CHECK(codings)
CHECK(connections)

static int
parse_status(const char *bytes, size_t len, uint16_t *status)
{
	struct ks_http_error err = {"", 0, 0};
	struct ks_http_head head;
	char *copy;
	int rc = request_parse(bytes, len, &head, &err, &copy);

	free(copy);
	*status = err.status;
	return rc;
}

/* RFC 9112 section 3: a target longer than the server wishes to parse: 414. */
static void
long_target_is_414(void)
{
	char bytes[1024];
	uint16_t status;

	for (int extra = 0; extra < 2; extra++) {
		int n = snprintf(bytes, sizeof(bytes), "GET /%0*d HTTP/1.1\r\n" HOST END,
				 (int)case_limits.target_bytes - 1 + extra, 0);

		int rc = parse_status(bytes, (size_t)n, &status);

		CU_ASSERT_EQUAL(rc, extra ? -E2BIG : 0);
		CU_ASSERT_EQUAL(status, extra ? 414 : 0);
	}
}

/* RFC 6585 section 5: too many or too large fields: 431. */
static void
too_many_fields_are_431(void)
{
	uint16_t status;

	for (int extra = 0; extra < 2; extra++) {
		char bytes[1024] = FIRST HOST;

		for (int i = 1; i < case_limits.fields + extra; i++)
			strcat(bytes, "X: y\r\n");
		strcat(bytes, END);
		CU_ASSERT_EQUAL(parse_status(bytes, strlen(bytes), &status), extra ? -E2BIG : 0);
		CU_ASSERT_EQUAL(status, extra ? 431 : 0);
	}
}

static void
the_fields_never_pass_the_array(void)
{
	static const struct ks_http_limits wide = {65536, 256, UINT16_MAX};
	struct ks_http_head *head = malloc(sizeof(*head));
	char *bytes = calloc(1, 4096);
	struct ks_http_error err;

	strcpy(bytes, FIRST HOST);
	for (int i = 0; i < KS_HTTP_FIELDS_MAX; i++)
		strcat(bytes, "X: y\r\n");
	strcat(bytes, END);
	CU_ASSERT_EQUAL(ks_http1_request_parse(bytes, (uint32_t)strlen(bytes), &wide, head, &err),
			-E2BIG);
	CU_ASSERT_EQUAL(err.status, 431);
	CU_ASSERT_EQUAL(head->nfields, KS_HTTP_FIELDS_MAX);
	free(bytes);
	free(head);
}

static void
a_large_head_is_431(void)
{
	uint16_t status;
	char *bytes = malloc(case_limits.head_bytes + 2);
	uint32_t before = (uint32_t)sprintf(bytes, FIRST HOST "X: ");

	for (uint32_t extra = 0; extra < 2; extra++) {
		uint32_t len = case_limits.head_bytes + extra;

		memset(bytes + before, 'y', len - before - 4);
		memcpy(bytes + len - 4, "\r\n\r\n", 4);
		CU_ASSERT_EQUAL(parse_status(bytes, len, &status), extra ? -E2BIG : 0);
		CU_ASSERT_EQUAL(status, extra ? 431 : 0);
	}
	free(bytes);
}

/* Whatever byte is put wherever: the parser stays inside (ASan) and never takes NUL, CR or LF in.
 */
static void
single_bytes_everywhere(void)
{
	static const char text[] =
		"POST /api/v1/pods?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
		"X-Y: some longer value of more than sixteen bytes\r\n\r\n";
	char bytes[sizeof(text)];
	uint16_t status;

	for (size_t at = 0; at < sizeof(text) - 1; at++)
		for (int c = 0; c < 256; c++) {
			memcpy(bytes, text, sizeof(text));
			bytes[at] = (char)c;
			int rc = parse_status(bytes, sizeof(text) - 1, &status);

			CU_ASSERT(rc == 0 || status >= 400);
			if ((c == 0 || c == '\r' || c == '\n') && c != text[at])
				CU_ASSERT_EQUAL(rc, -EBADMSG);
		}
}

static const struct ks_test tests[] = {
	KS_TEST(lines_are_refused),	  KS_TEST(targets_are_refused),
	KS_TEST(hosts_are_refused),	  KS_TEST(fields_are_refused),
	KS_TEST(lengths_are_refused),	  KS_TEST(codings_are_refused),
	KS_TEST(connections_are_refused), KS_TEST(long_target_is_414),
	KS_TEST(too_many_fields_are_431), KS_TEST(the_fields_never_pass_the_array),
	KS_TEST(a_large_head_is_431),	  KS_TEST(single_bytes_everywhere),
};

KS_TEST_MAIN("http: refused requests", tests)
