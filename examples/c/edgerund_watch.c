/* Follow what edgerund's ladders do with nothing but libzmq: "Watching" in docs/protocol.md, in C99.
 *
 *   cc -std=c99 -Wall -Wextra -o edgerund_watch edgerund_watch.c -lzmq
 *   ./edgerund_watch ipc:///run/edgerund/watch.sock [LADDER] [COUNT]
 *
 * Prints one JSON object per message: all ladders, or one; for ever, or COUNT of them. Exit code: 0 done, 2 wrong call,
 * 16 no word of the daemon for 15 s (it says something every 5 s at least).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { DONE = 0, USAGE = 2, SILENT = 16, PATIENCE_MS = 15000 };

static int fail(const char *what, int code) {
    fprintf(stderr, "cannot %s: %s\n", what, zmq_strerror(zmq_errno()));
    return code;
}

/* Two frames: the topic, which is the ladder's name and a slash, and the JSON object. */
static int print_one(void *socket) {
    zmq_msg_t frame;
    int more = 1;
    for (int number = 0; more; number++) {
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, socket, 0) < 0) {
            zmq_msg_close(&frame);
            return fail("hear the daemon", SILENT);
        }
        more = zmq_msg_more(&frame);
        if (number == 1) {
            fwrite(zmq_msg_data(&frame), 1, zmq_msg_size(&frame), stdout);
            putchar('\n');
            fflush(stdout);
        }
        zmq_msg_close(&frame);
    }
    return DONE;
}

int main(int argc, char **argv) {
    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: %s ENDPOINT [LADDER] [COUNT]\n", argv[0]);
        return USAGE;
    }
    char topic[80] = "";
    if (argc > 2 && strlen(argv[2]) < sizeof topic - 1) snprintf(topic, sizeof topic, "%.78s/", argv[2]);
    long count = argc > 3 ? strtol(argv[3], NULL, 10) : -1;
    int patience_ms = PATIENCE_MS, linger = 0, code = DONE;
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_SUB);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, topic, strlen(topic));
    if (zmq_connect(socket, argv[1]) != 0) code = fail("connect", USAGE);
    for (; code == DONE && count != 0; count -= count > 0) code = print_one(socket);
    zmq_close(socket);
    zmq_ctx_term(context);
    return code;
}
