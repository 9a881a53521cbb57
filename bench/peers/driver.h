/* What the drivers in C share: the protocol of ../harness/protocol.ts, and the operands of ../drivers/inputs.ts.

   A driver defines `prepare`, which sets up the work that a request describes and says whether it can, and `run`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SEED_X = 1, SEED_Y = 2, PROBES = 16 };

/** Sets up the work of a request and does it once; returns false if the library cannot do it. */
static bool prepare(const char* request);
static void run(void);

/** What came out: `prepare` sets them. */
static const float* result;
static size_t result_size;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/** Where the value of a key of the request begins, or NULL. */
static const char* value_of(const char* request, const char* key) {
  char pattern[64];
  snprintf(pattern, sizeof pattern, "\"%s\":", key);
  const char* found = strstr(request, pattern);
  return found == NULL ? NULL : found + strlen(pattern);
}

static double number(const char* request, const char* key) {
  const char* value = value_of(request, key);
  return value == NULL ? 0 : strtod(value, NULL);
}

static inline bool flag(const char* request, const char* key) {
  const char* value = value_of(request, key);
  return value != NULL && strncmp(value, "true", 4) == 0;
}

static bool is(const char* request, const char* key, const char* text) {
  const char* value = value_of(request, key);
  const size_t length = strlen(text);
  return value != NULL && value[0] == '"' && strncmp(value + 1, text, length) == 0 && value[length + 1] == '"';
}

static float* allocate(size_t size) {
  float* memory = aligned_alloc(64, (size * sizeof(float) + 63) / 64 * 64);
  if (memory == NULL) abort();
  return memory;
}

static double unit(uint32_t i, uint32_t seed) {
  uint32_t h = ((i + 1) * 0x9e3779b1u) ^ (seed * 0x85ebca6bu);
  h = (h ^ (h >> 16)) * 0x45d9f3bu;
  h = (h ^ (h >> 16)) * 0x45d9f3bu;
  return ((h ^ (h >> 16)) >> 8) / 16777216.0;
}

/** Values evenly distributed in [-1, 1). */
static float* uniform(size_t size, uint32_t seed) {
  float* values = allocate(size);
  for (size_t i = 0; i < size; i++) values[i] = (float)(-1 + 2 * unit((uint32_t)i, seed));
  return values;
}

static void answer_probe(FILE* answers) {
  fputs("{\"probe\":[", answers);
  for (size_t i = 0; i < PROBES; i++) {
    fprintf(answers, "%s%.9g", i == 0 ? "" : ",", (double)result[i * result_size / PROBES]);
  }
  fputs("]}\n", answers);
}

static void answer_timing(FILE* answers, long iterations, double seconds) {
  fprintf(answers, "{\"iterations\":%ld,\"seconds\":%.9g}\n", iterations, seconds);
}

static void warm(FILE* answers, double seconds) {
  const double start = now();
  long iterations = 0;
  do {
    run();
    iterations++;
  } while (now() - start < seconds);
  answer_timing(answers, iterations, now() - start);
}

static void measure(FILE* answers, long iterations) {
  const double start = now();
  for (long i = 0; i < iterations; i++) run();
  answer_timing(answers, iterations, now() - start);
}

/** Answers requests until standard input ends. */
static int serve(const char* name, const char* version) {
  FILE* answers = fdopen(3, "w");
  if (answers == NULL) return 1;
  fprintf(answers, "{\"name\":\"%s\",\"version\":\"%s\",\"loadSeconds\":0}\n", name, version);
  fflush(answers);
  char request[4096];
  while (fgets(request, sizeof request, stdin) != NULL) {
    if (is(request, "do", "warm")) {
      warm(answers, number(request, "seconds"));
    } else if (is(request, "do", "time")) {
      measure(answers, (long)number(request, "iterations"));
    } else if (prepare(request)) {
      answer_probe(answers);
    } else {
      fputs("{\"unsupported\":true}\n", answers);
    }
    fflush(answers);
  }
  return 0;
}
