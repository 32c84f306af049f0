/* SPDX-License-Identifier: BSD-3-Clause */
/* Compiled as C11: the header needs nothing before it, and its types and calls
 * can be used from C. */
#include "chimney/chimney.h"

int use_header_from_c(void);

int use_header_from_c(void) {
  struct chimney_session_options options = {.size = sizeof options};
  struct chimney_session *session = NULL;
  struct chimney_event event = {.type = CHIMNEY_EVENT_READABLE};
  char text[16];
  options.socket_path = "";
  return chimney_session_open(&options, &session, text, sizeof text) +
         (int)event.type;
}
