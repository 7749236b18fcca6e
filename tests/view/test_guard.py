"""Who may ask: every request that is not one of our own page is refused, and the server answers the next."""

import asyncio
import json
from http.cookies import SimpleCookie

import numpy as np
import pytest

from affectlens.workbench.guard import CSP, MOST_BODY
from affectlens.workbench.start import hosts_of
from tests.view.conftest import HOST, TOKEN


@pytest.mark.parametrize("headers", [
    {"authorization": ""}, {"authorization": "Bearer wrong"}, {"authorization": TOKEN}, {"authorization": "", "cookie": "affectlens=wrong"},
    {"authorization": "", "cookie": f"other={TOKEN}"},
])  # fmt: skip
def test_without_the_token_nothing_is_told(client, headers):
    answer = client.get("/api/library", headers=headers)
    assert answer.status_code == 401 and "carries a token" in answer.json()["error"]["message"]


@pytest.mark.parametrize("headers", [
    {"host": "evil.example"}, {"host": "evil.example:8765"}, {"host": "127.0.0.1:80"}, {"host": ""}, {"origin": "https://evil.example"},
    {"origin": "null"}, {"origin": "http://127.0.0.1:8766"}, {"origin": "http://[::1"}, {"sec-fetch-site": "cross-site"},
])  # fmt: skip
def test_other_names_and_other_pages_are_refused(client, headers):
    assert client.get("/api/library", headers=headers).status_code == 403


def test_what_changes_something_needs_the_header(client):
    client.headers.pop("x-affectlens")
    assert client.post("/api/library/refresh").status_code == 403
    assert client.post("/api/library/refresh", headers={"x-affectlens": "1", "origin": f"http://{HOST}"}).status_code == 200


def test_the_token_in_the_address_becomes_a_cookie_once(client):
    client.headers.pop("authorization")
    entered = client.get(f"/?token={TOKEN}", follow_redirects=False)
    assert entered.status_code == 303 and entered.headers["location"] == "/"
    cookie = SimpleCookie(entered.headers["set-cookie"])["affectlens"]
    assert cookie["httponly"] and cookie["samesite"] == "Strict" and cookie.value == TOKEN
    assert client.get("/api/library").status_code == 200  # the client keeps cookies
    assert client.get("/?token=wrong", follow_redirects=False).status_code == 401


def test_every_answer_keeps_the_page_to_itself(client, run_id):
    for path in ("/", "/api/about", f"/api/runs/{run_id}/thumbnail", "/api/nothing"):
        headers = client.get(path).headers
        assert headers["content-security-policy"] == CSP and headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers
    assert "unsafe-inline" not in CSP.split("script-src")[1].split(";")[0] and "default-src 'none'" in CSP
    report = client.get(f"/api/runs/{run_id}/files/report.html")
    assert report.status_code == 200 and report.headers["content-security-policy"].startswith("sandbox")


def test_a_preflight_is_not_answered_with_rights(client):
    asked = client.options("/api/library", headers={"origin": "https://evil.example", "access-control-request-method": "POST"})
    assert asked.status_code == 403 and "access-control-allow-methods" not in asked.headers


@pytest.mark.parametrize("path", [
    "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "figures/../../../etc/passwd", "/etc/passwd",
    "//etc/passwd", "..\\..\\secret", "table.csv%00.html", "a" * 5000, ".", "", "figures", "provenance.json/x",
])  # fmt: skip
def test_paths_that_lead_out_are_not_served(client, run_id, path):
    answer = client.get(f"/api/runs/{run_id}/files/{path}")
    assert answer.status_code in (400, 404, 405) and b"root:" not in answer.content
    assert client.get(f"/assets/{path}").status_code in (400, 404, 405)


def test_links_that_lead_out_are_not_served(own, tmp_path):
    client, name, folder = own
    secret = tmp_path / "secret.csv"
    secret.write_text("secret")
    (folder / "link.csv").symlink_to(secret)
    (folder / "circle.csv").symlink_to(folder / "circle.csv")
    assert client.get(f"/api/runs/{name}/files/link.csv").status_code == 404
    assert client.get(f"/api/runs/{name}/files/circle.csv").status_code == 404
    assert client.get(f"/api/runs/{name}/files/table.csv").status_code == 200


def test_large_bodies_are_refused_before_they_are_read(client, run_id):
    body = b'{"author": "' + b"x" * MOST_BODY + b'"}'
    assert client.post(f"/api/runs/{run_id}/edits", content=body).status_code == 413

    def parts():
        for _ in range(MOST_BODY // 65536 + 2):
            yield b"x" * 65536

    assert client.post(f"/api/runs/{run_id}/edits", content=parts()).status_code == 413
    assert client.get("/api/library").status_code == 200


def test_malformed_requests_leave_the_server_alive(client, run_id):
    rng = np.random.default_rng(0)
    places = ["/api/runs/{}", "/api/runs/{}/lanes", "/api/audits/{}", "/api/jobs/{}", "/api/library?{}", "/api/compare?first={}", "/{}",
              "/api/runs/" + run_id + "/curve?column={}", "/api/runs/" + run_id + "/evidence?segment={}",
              "/api/runs/" + run_id + "/edits", "/api/jobs/upload?name={}", "/api/runs/" + run_id + "/pictures/{}/{}/map.jpg"]  # fmt: skip
    codes = set()
    for number in range(240):
        junk = "".join(chr(rng.choice([rng.integers(33, 127), rng.integers(0xA1, 0x2FF)])) for _ in range(rng.integers(1, 12)))
        junk = junk.replace("#", "").replace("?", "")
        path = places[number % len(places)].replace("{}", junk)
        method = ("GET", "POST", "DELETE", "PUT")[number % 4]
        body = rng.bytes(20) if method == "POST" else None
        codes.add(client.request(method, path, content=body, headers={"content-type": "application/json"}).status_code)
    assert codes <= {200, 400, 404, 405, 415, 422} and 404 in codes
    assert client.get("/api/library").json()["total"] == 1


@pytest.mark.parametrize(("host", "expected", "refused"), [
    ("127.0.0.1", "localhost:1", "10.0.0.1:1"), ("192.168.0.7", "192.168.0.7:1", "evil.example:1"), ("0.0.0.0", "*:1", "evil.example:1"),
])  # fmt: skip
def test_the_names_of_a_server(host, expected, refused):
    assert expected in hosts_of(host, 1) and refused not in hosts_of(host, 1)


def test_a_server_for_all_addresses_takes_numbers_and_no_foreign_names():
    from affectlens.workbench.guard import Guard

    guard = Guard(None, TOKEN, hosts_of("0.0.0.0", 8765), "affectlens")
    assert guard._ours("192.168.0.7:8765") and guard._ours("[fe80::1]:8765") and guard._ours("localhost:8765")
    assert not guard._ours("evil.example:8765") and not guard._ours("192.168.0.7:80") and not guard._ours("")


def test_sockets_are_not_spoken(client):
    async def ask():
        sent = []

        async def send(message):
            sent.append(message)

        await client.app({"type": "websocket", "path": "/", "headers": []}, None, send)
        return sent

    assert asyncio.run(ask()) == []


def test_an_error_is_always_of_one_form(client, run_id):
    for path, code in ((f"/api/runs/{run_id}/curve?column=nothing", 400), ("/api/runs/0123456789abcdef", 404), ("/api/nowhere", 404),
                       (f"/api/runs/{run_id}/frames?start=0&end=1000", 400), (f"/api/runs/{run_id}/frames?start=x", 400)):  # fmt: skip
        answer = client.get(path)
        assert answer.status_code == code, path
        assert set(answer.json()) == {"error"} and answer.json()["error"]["message"]
    assert json.loads(client.post("/api/jobs/rerun", content=b"[1").content)["error"]["what"] == "wrong-value"
