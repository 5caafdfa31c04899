/* Ask edgerund for one inference with nothing but libzmq: the wire of docs/protocol.md in C99.
 *
 *   cc -std=c99 -Wall -Wextra -o edgerund_infer edgerund_infer.c -lzmq
 *   ./edgerund_infer ipc:///run/edgerund/cifar10.sock [IMAGE.ppm | -] [TIMEOUT_MS]
 *
 * IMAGE is a binary PPM (P6, 8 bits); "-" or nothing sends a gradient. Exit code: 0 answered, 2 wrong call or file,
 * 16 refused by the daemon or not answered in time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { ANSWERED = 0, USAGE = 2, NO_RESULT = 16, MAX_SIDE = 16384 };

typedef struct {
    unsigned char *pixels; /* RGB, rows from the top, no padding */
    int width, height;
} frame_t;

static int fail(const char *what, const char *why) {
    fprintf(stderr, "cannot %s: %s\n", what, why);
    return USAGE;
}

static int make_gradient(frame_t *frame) {
    frame->width = 64;
    frame->height = 48;
    frame->pixels = malloc((size_t)frame->width * frame->height * 3);
    if (!frame->pixels) return fail("make a frame", "no memory");
    for (int y = 0; y < frame->height; y++)
        for (int x = 0; x < frame->width; x++) {
            unsigned char *p = frame->pixels + ((size_t)y * frame->width + x) * 3;
            p[0] = (unsigned char)(x * 4);
            p[1] = (unsigned char)(y * 5);
            p[2] = 128;
        }
    return ANSWERED;
}

/* The next number of a PPM header; comments run from # to the end of the line. */
static int next_number(FILE *file) {
    int c, value;
    while ((c = fgetc(file)) != EOF) {
        if (c == '#')
            while ((c = fgetc(file)) != EOF && c != '\n') continue;
        else if (c >= '0' && c <= '9')
            break;
    }
    if (c == EOF || ungetc(c, file) == EOF || fscanf(file, "%6d", &value) != 1) return -1;
    return value;
}

static int read_ppm(const char *path, frame_t *frame) {
    FILE *file = fopen(path, "rb");
    if (!file) return fail("open the image", path);
    int magic = fgetc(file) == 'P' && fgetc(file) == '6';
    frame->width = magic ? next_number(file) : -1;
    frame->height = magic ? next_number(file) : -1;
    int depth = magic ? next_number(file) : -1;
    int status = USAGE;
    if (frame->width < 1 || frame->height < 1 || frame->width > MAX_SIDE || frame->height > MAX_SIDE ||
        depth != 255) {
        fail("read the image as a binary PPM (P6) of 8 bits", path);
    } else {
        size_t size = (size_t)frame->width * frame->height * 3;
        fgetc(file); /* the one blank after the depth */
        frame->pixels = malloc(size);
        if (!frame->pixels || fread(frame->pixels, 1, size, file) != size)
            fail("read all pixels of the image", path);
        else
            status = ANSWERED;
    }
    fclose(file);
    return status;
}

/* What follows "key": in a JSON text, or NULL. Enough for a reply of edgerund, where a quote inside a string is
 * escaped and text is ASCII; no general parser. Only a key has a colon behind it, so a value is never taken for one. */
static const char *find_key(const char *json, const char *key) {
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\"", key);
    for (const char *p = json; (p = strstr(p, quoted)) != NULL;) {
        p += strlen(quoted);
        p += strspn(p, " ");
        if (*p == ':') return p + 1;
    }
    return NULL;
}

/* The string behind "key":, or the first one of its list; 0 if there is none. */
static int find_string(const char *json, const char *key, char *out, size_t room) {
    const char *p = find_key(json, key);
    if (!p) return 0;
    p += strspn(p, " [");
    if (*p++ != '"') return 0;
    size_t n = 0;
    for (; *p && *p != '"' && n + 1 < room; p++) {
        if (*p == '\\' && p[1]) p++;
        out[n++] = *p;
    }
    out[n] = 0;
    return *p == '"';
}

/* Three frames: an empty one (the envelope's end), the header, the pixels. */
static int send_request(void *socket, const frame_t *frame) {
    char header[256];
    int length = snprintf(header, sizeof header,
                          "{\"v\":1,\"op\":\"infer\",\"id\":\"c-1\",\"encoding\":\"raw\",\"dtype\":\"uint8\","
                          "\"shape\":[%d,%d,3],\"colour\":\"RGB\"}",
                          frame->height, frame->width);
    size_t size = (size_t)frame->width * frame->height * 3;
    return zmq_send(socket, "", 0, ZMQ_SNDMORE) != -1 &&
           zmq_send(socket, header, (size_t)length, ZMQ_SNDMORE) != -1 &&
           zmq_send(socket, frame->pixels, size, 0) != -1;
}

/* The header of the reply as a string (malloc), or NULL: the frame after the first empty one. */
static char *receive_header(void *socket) {
    char *header = NULL;
    int delimited = 0, more = 1;
    while (more) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, socket, 0) == -1) break;
        size_t size = zmq_msg_size(&part);
        if (delimited && !header && (header = malloc(size + 1)) != NULL) {
            memcpy(header, zmq_msg_data(&part), size);
            header[size] = 0;
        }
        if (size == 0) delimited = 1;
        more = zmq_msg_more(&part);
        zmq_msg_close(&part);
    }
    return header;
}

static int show(const char *header) {
    char variant[128] = "", label[128] = "", code[64] = "", message[512] = "";
    if (find_key(header, "error")) {
        find_string(header, "code", code, sizeof code);
        find_string(header, "message", message, sizeof message);
        fprintf(stderr, "%s: %s\n", code, message);
        return NO_RESULT;
    }
    find_string(header, "variant", variant, sizeof variant);
    if (find_string(header, "labels", label, sizeof label))
        printf("%s %s\n", variant, label);
    else
        printf("%s\n", variant);
    return ANSWERED;
}

static int ask(void *socket, const frame_t *frame, long timeout_ms) {
    zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
    if (!send_request(socket, frame)) return fail("send the request", zmq_strerror(zmq_errno()));
    if (zmq_poll(&item, 1, timeout_ms) <= 0) {
        fprintf(stderr, "cannot get an answer within %ld ms: is the daemon running?\n", timeout_ms);
        return NO_RESULT;
    }
    char *header = receive_header(socket);
    int status = header ? show(header) : NO_RESULT;
    free(header);
    return status;
}

int main(int argc, char **argv) {
    if (argc < 2 || argc > 4) return fail("start", "usage: edgerund_infer ENDPOINT [IMAGE.ppm | -] [TIMEOUT_MS]");
    long timeout_ms = argc > 3 ? strtol(argv[3], NULL, 10) : 5000;
    frame_t frame = {NULL, 0, 0};
    int status = argc > 2 && strcmp(argv[2], "-") ? read_ppm(argv[2], &frame) : make_gradient(&frame);
    if (status == ANSWERED) {
        int linger_ms = 0;
        void *context = zmq_ctx_new();
        void *socket = zmq_socket(context, ZMQ_DEALER);
        zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        if (zmq_connect(socket, argv[1]) == -1)
            status = fail("connect", zmq_strerror(zmq_errno()));
        else
            status = ask(socket, &frame, timeout_ms);
        zmq_close(socket);
        zmq_ctx_term(context);
    }
    free(frame.pixels);
    return status;
}
