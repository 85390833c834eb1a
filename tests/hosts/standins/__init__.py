# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-ins for AWS's agents: programs of test packages that behave as the real ones do, traps included.

They run on the test hosts with the host's own Python (3.9 to 3.13), python3-cryptography and python3-websocket. What
they do was measured with amazon-ssm-agent 3.3.1142.0 and amazon-ecs-agent 1.105.1; docs/test-hosts.md lists it.
"""
