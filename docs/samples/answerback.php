<?php
// Push a response, read what became of it, verify a webhook. PHP 8.0+, nothing to install.
//
// php answerback.php push r-77 c7@example.test 9
// php answerback.php state r-77
// php answerback.php signed r-78 c8@example.test 3      ANSWERBACK_HOOK, ANSWERBACK_SECRET
// php answerback.php verify < body                      WEBHOOK_ID, _TIMESTAMP, _SIGNATURE, _SECRET

const TRIES = 6;

// One request; 429 and 503 are tried again when they say, which cannot double anything.
function call(string $method, string $url, array $headers, string $body = ''): array
{
    for ($number = 1; ; $number++) {
        $options = ['method' => $method, 'header' => $headers, 'ignore_errors' => true, 'timeout' => 30];
        if ($body !== '') {
            $options['content'] = $body;
        }
        $text = file_get_contents($url, false, stream_context_create(['http' => $options]));
        if ($text === false) {
            throw new RuntimeException('no answer: send the same again, it cannot double anything');
        }
        $told = json_decode($text, true, 64, JSON_THROW_ON_ERROR);
        $status = (int) explode(' ', $http_response_header[0])[1];
        if ($status < 300) {
            return $told;
        }
        if (!in_array($status, [429, 503], true) || $number === TRIES) {
            throw new RuntimeException("{$told['code']}: {$told['mend']} " . json_encode($told['errors'] ?? []));
        }
        $waits = preg_grep('/^Retry-After:/i', $http_response_header);
        sleep($waits ? (int) trim(explode(':', end($waits))[1]) : 2 ** $number);
    }
}

function authorized(): array
{
    return ['Authorization: Bearer ' . getenv('ANSWERBACK_KEY'), 'Content-Type: application/json'];
}

function response(string $id, string $email, string $score): string
{
    return json_encode([
        'response_id' => $id,
        'submitted_at' => gmdate('Y-m-d\TH:i:s\Z'),
        'respondent' => ['email' => $email],
        'answers' => ['nps' => ['type' => 'nps', 'value' => (int) $score]],
    ], JSON_THROW_ON_ERROR);
}

function push(string ...$told): array
{
    return call('POST', getenv('ANSWERBACK_URL') . '/api/v1/responses', authorized(), response(...$told));
}

function state(string $id): array
{
    return call('GET', getenv('ANSWERBACK_URL') . '/api/v1/responses/' . rawurlencode($id), authorized());
}

// Standard Webhooks: HMAC-SHA256 over id.timestamp.body, in base64.
function signature(string $secret, string $id, string $timestamp, string $body): string
{
    $key = base64_decode(preg_replace('/^whsec_/', '', $secret), true);
    return 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
}

// Push without a key, to a source's own address.
function signed(string ...$told): array
{
    $body = response(...$told);
    [$id, $timestamp] = ['msg_' . bin2hex(random_bytes(16)), (string) time()];
    return call('POST', getenv('ANSWERBACK_HOOK'), [
        'Content-Type: application/json',
        "webhook-id: $id",
        "webhook-timestamp: $timestamp",
        'webhook-signature: ' . signature(getenv('ANSWERBACK_SECRET'), $id, $timestamp, $body),
    ], $body);
}

// Whether we sent this. Keep the ids of the last days: a repeat has the same one.
function verify(string $id, string $timestamp, string $signatures, string $secret, string $body): bool
{
    if (abs(time() - (int) $timestamp) > 300) {
        return false;
    }
    $wanted = signature($secret, $id, $timestamp, $body);
    foreach (explode(' ', $signatures) as $one) {
        if (hash_equals($wanted, $one)) {
            return true;
        }
    }
    return false;
}

$told = array_slice($argv, 2);
if ($argv[1] === 'verify') {
    $env = array_map(fn ($name) => getenv("WEBHOOK_$name"), ['ID', 'TIMESTAMP', 'SIGNATURE', 'SECRET']);
    echo verify(...[...$env, file_get_contents('php://stdin')]) ? "good\n" : "bad\n";
} else {
    $does = ['push' => 'push', 'state' => 'state', 'signed' => 'signed'][$argv[1]];
    echo json_encode($does(...$told)), "\n";
}
