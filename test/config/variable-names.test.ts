import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { good, mistakes } from "../support/environments.ts";

const warnings = (env: Record<string, string>, mode: Parameters<typeof readConfig>[0] = "start") =>
  readConfig(mode, { ...good, ...env }).warnings;
/** What the one name is taken for. */
const meant = (name: string, env: Record<string, string> = {}) =>
  warnings({ ...env, [name]: "a value" }).map((line) => /did you mean (\w+)\?$/.exec(line)?.[1]);

describe("a misspelled variable", () => {
  it.each([
    ["ALOWED_USER_IDS", "ALLOWED_USER_IDS"],
    ["ALLOWED_USER_ID", "ALLOWED_USER_IDS"],
    ["ALLOWED_USERS_IDS", "ALLOWED_USER_IDS"],
    ["ALLOWED_USRE_IDS", "ALLOWED_USER_IDS"],
    ["ALLOWEDUSERIDS", "ALLOWED_USER_IDS"],
    ["allowed_user_ids", "ALLOWED_USER_IDS"],
    ["RATE_LIMIT_MESAGES", "RATE_LIMIT_MESSAGES"],
    ["RATELIMIT_MESSAGES", "RATE_LIMIT_MESSAGES"],
    ["RATE_LIMITS_WINDOWS_SECONDS", "RATE_LIMIT_WINDOW_SECONDS"],
    ["SYTEM_PROMT", "SYSTEM_PROMPT"],
    ["FALBACK_MODEL", "FALLBACK_MODELS"],
    ["CONCURENCI", "CONCURRENCY"],
    ["WEBHOOKURL", "WEBHOOK_URL"],
    ["WEBHOOK_SERCET", "WEBHOOK_SECRET"],
    ["REDIS_URI", "REDIS_URL"],
    ["DATA_DRI", "DATA_DIR"],
    ["LOGLEVEL", "LOG_LEVEL"],
    ["LOG_FROMAT", "LOG_FORMAT"],
    ["METRIC_PORT", "METRICS_PORT"],
    ["METRICS_TOKN", "METRICS_TOKEN"],
    ["MODLES", "MODELS"],
    ["STREAMMODE", "STREAM_MODE"],
    ["OPENAI_API_KYE", "OPENAI_API_KEY"],
    ["OPENAI_APIKEY", "OPENAI_API_KEY"],
    ["OPNEAI_API_KEY", "OPENAI_API_KEY"],
    ["ANTROPIC_API_KEY", "ANTHROPIC_API_KEY"],
    ["OLLAMA_BASEURL", "OLLAMA_BASE_URL"],
    ["LM_STUDIO_BASE_URL", "LMSTUDIO_BASE_URL"],
    ["OPENAI_CONCURENCY", "OPENAI_CONCURRENCY"],
  ])("is named with what is near to it: %s", (name, right) => {
    expect(meant(name)).toEqual([right]);
  });

  it.each([
    ["DEEPSEEK_KEY", "DEEPSEEK_API_KEY"],
    ["GROQ_TOKEN", "GROQ_API_KEY"],
    ["OPENAI_API_BASE", "OPENAI_BASE_URL"],
    ["OPENAI_MODEL", "MODELS"],
    ["ALLOWED_USERS", "ALLOWED_USER_IDS"],
    ["ADMIN_IDS", "ADMIN_USER_IDS"],
  ])("is named when it is usual elsewhere: %s", (name, right) => {
    expect(meant(name)).toEqual([right]);
    expect(
      meant(name, { [right]: right.endsWith("IDS") ? "1" : right === "MODELS" ? "openai/x" : "http://x" }),
    ).toEqual([]);
  });

  it.each(["TELEGRAM_TOKEN", "TELEGRAM_BOT_TOKEN", "TG_BOT_TOKEN", "BOT_TOKNE", "TELEGRAM_API_KEY", "TOKEN"])(
    "stands beside the mistake that it explains: %s",
    (name) => {
      const lines = mistakes({ OPENAI_API_KEY: good.OPENAI_API_KEY, [name]: "123:secret-value" });
      expect(lines).toEqual([
        expect.stringMatching(/^BOT_TOKEN is missing/),
        `${name} is not read by Parley; did you mean BOT_TOKEN?`,
      ]);
    },
  );

  it("stands beside the mistake of a missing key, without its value", () => {
    const lines = mistakes({ BOT_TOKEN: good.BOT_TOKEN, OPENAI_KEY: "sk-secret-value" });
    expect(lines[1]).toBe("OPENAI_KEY is not read by Parley; did you mean OPENAI_API_KEY?");
    expect(lines.join()).not.toContain("secret-value");
  });

  it("is found in the variables of a provider of one's own", () => {
    const env = { MODELS: "my.box/m", MY_BOX_BASE_URL: "http://x/v1" };
    expect(meant("MY_BOX_API_KYE", env)).toEqual(["MY_BOX_API_KEY"]);
    expect(meant("MY_BOX_CONCURENCY", env)).toEqual(["MY_BOX_CONCURRENCY"]);
  });

  it("is only one that would be read in that mode, and not one that is empty", () => {
    expect(warnings({ REDIS_URI: "x", TELEGRAM_TOKEN: "x" }, "playground")).toEqual([]);
    expect(warnings({ ALOWED_USER_IDS: "x", REDIS_URI: "x" }, "queue")).toEqual([
      "REDIS_URI is not read by Parley; did you mean REDIS_URL?",
    ]);
    expect(warnings({ ALOWED_USER_IDS: " " })).toEqual([]);
  });
});

describe("a setting of a provider", () => {
  const nothing = (provider: string) => `nothing: no variable names a model of ${provider} (MODELS=${provider}/…)`;

  it("of which no model is named does nothing, and that is said in a line for each provider", () => {
    const mine = { MINE_BASE_URL: "http://h/v1", MINE_HEADERS: "x-a: b", MINE_WIRE: "responses", MINE_API_KEY: "k-1" };
    expect(warnings({ ...mine, GROQ_CONCURRENCY: "2", LLAMA_CPP_CONCURRENCY: "1", YOURS_WIRE: "chat" })).toEqual([
      `MINE_HEADERS, MINE_WIRE do ${nothing("mine")}`,
      `GROQ_CONCURRENCY does ${nothing("groq")}`,
      `LLAMA_CPP_CONCURRENCY does ${nothing("llama.cpp")}`,
      `YOURS_WIRE does ${nothing("yours")}`,
    ]);
  });

  it("is read wherever one of its models stands, and not looked at where no model is asked", () => {
    const mine = { MINE_BASE_URL: "http://h/v1", MINE_CONCURRENCY: "2" };
    for (const name of ["MODELS", "FALLBACK_MODELS", "SUMMARY_MODEL"])
      expect(warnings({ ...mine, [name]: "mine/m" })).toEqual([]);
    expect(warnings({ ...mine, MODELS: "auto", AUTO_CHEAP: "mine/m", AUTO_STRONG: "mine/n" })).toEqual([]);
    expect(warnings(mine, "queue")).toEqual([]);
  });

  it("is said to be misspelled when its name is, and nothing else", () => {
    expect(warnings({ ANTROPIC_WIRE: "chat" })).toEqual([
      "ANTROPIC_WIRE is not read by Parley; did you mean ANTHROPIC_WIRE?",
    ]);
  });
});

/** What platforms and tools set, and people for other programs. */
const ordinary: Readonly<Record<string, string>> = {
  shell: `PATH HOME USER LOGNAME SHELL LANG LC_ALL TERM TERM_PROGRAM COLORTERM NO_COLOR FORCE_COLOR PWD OLDPWD SHLVL _ EDITOR
    PAGER MAIL TZ TMPDIR DISPLAY XDG_DATA_DIRS XDG_CONFIG_DIRS XDG_RUNTIME_DIR XDG_SESSION_ID SSH_AUTH_SOCK SSH_CLIENT SSH_TTY
    SUDO_USER DBUS_SESSION_BUS_ADDRESS HOSTTYPE MACHTYPE PROMPT HISTSIZE HISTFILE LS_COLORS INIT_CWD`,
  node: `NODE NODE_ENV NODE_OPTIONS NODE_VERSION NODE_EXTRA_CA_CERTS NODE_PATH NODE_TLS_REJECT_UNAUTHORIZED NODE_USE_ENV_PROXY
    YARN_VERSION COREPACK_HOME HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy ALL_PROXY DEBUG`,
  npm: `npm_config_loglevel npm_config_cache npm_config_user_agent npm_config_prefix npm_config_noproxy npm_config_node_gyp
    npm_config_global_prefix npm_config_port npm_config_host npm_config_data_dir npm_config_redis_uri npm_command npm_execpath
    npm_lifecycle_event npm_lifecycle_script npm_node_execpath npm_package_json npm_package_name npm_package_version
    NPM_CONFIG_PRODUCTION NPM_TOKEN`,
  docker: "HOSTNAME container DOCKER_HOST COMPOSE_PROJECT_NAME COMPOSE_FILE",
  systemd: `INVOCATION_ID JOURNAL_STREAM SYSTEMD_EXEC_PID LISTEN_PID LISTEN_FDS LISTEN_FDNAMES NOTIFY_SOCKET WATCHDOG_PID
    WATCHDOG_USEC STATE_DIRECTORY CACHE_DIRECTORY LOGS_DIRECTORY RUNTIME_DIRECTORY CONFIGURATION_DIRECTORY MAINPID
    CREDENTIALS_DIRECTORY MEMORY_PRESSURE_WATCH MEMORY_PRESSURE_WRITE`,
  kubernetes: `KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT KUBERNETES_SERVICE_PORT_HTTPS KUBERNETES_PORT
    KUBERNETES_PORT_443_TCP KUBERNETES_PORT_443_TCP_ADDR KUBERNETES_PORT_443_TCP_PORT KUBERNETES_PORT_443_TCP_PROTO
    REDIS_SERVICE_HOST REDIS_SERVICE_PORT REDIS_PORT REDIS_PORT_6379_TCP REDIS_PORT_6379_TCP_ADDR METRICS_SERVICE_PORT
    POD_NAME POD_NAMESPACE POD_IP NODE_NAME`,
  heroku: `DYNO PORT WEB_CONCURRENCY WEB_MEMORY MEMORY_AVAILABLE DATABASE_URL REDIS_TLS_URL REDISCLOUD_URL HEROKU_APP_ID
    HEROKU_APP_NAME HEROKU_APP_DEFAULT_DOMAIN_NAME HEROKU_DYNO_ID HEROKU_RELEASE_CREATED_AT HEROKU_RELEASE_VERSION
    HEROKU_SLUG_COMMIT HEROKU_SLUG_DESCRIPTION HEROKU_BUILD_COMMIT STACK NODE_HOME NODE_MODULES_CACHE SOURCE_VERSION`,
  render: `RENDER RENDER_CPU_COUNT RENDER_DISCOVERY_SERVICE RENDER_EXTERNAL_HOSTNAME RENDER_EXTERNAL_URL RENDER_GIT_BRANCH
    RENDER_GIT_COMMIT RENDER_GIT_REPO_SLUG RENDER_INSTANCE_ID RENDER_SERVICE_ID RENDER_SERVICE_NAME RENDER_SERVICE_SLUG
    RENDER_SERVICE_TYPE RENDER_WEB_CONCURRENCY IS_PULL_REQUEST`,
  railway: `RAILWAY_DEPLOYMENT_ID RAILWAY_ENVIRONMENT RAILWAY_ENVIRONMENT_NAME RAILWAY_GIT_COMMIT_SHA RAILWAY_PROJECT_ID
    RAILWAY_PROJECT_NAME RAILWAY_PUBLIC_DOMAIN RAILWAY_PRIVATE_DOMAIN RAILWAY_REPLICA_ID RAILWAY_REPLICA_REGION RAILWAY_RUN_UID
    RAILWAY_SERVICE_ID RAILWAY_SERVICE_NAME RAILWAY_STATIC_URL RAILWAY_TCP_PROXY_PORT RAILWAY_VOLUME_MOUNT_PATH
    RAILWAY_VOLUME_NAME REDISHOST REDISPORT REDISUSER REDISPASSWORD REDIS_PUBLIC_URL REDIS_PASSWORD`,
  google: `GAE_APPLICATION GAE_DEPLOYMENT_ID GAE_ENV GAE_INSTANCE GAE_MEMORY_MB GAE_RUNTIME GAE_SERVICE GAE_VERSION
    GOOGLE_CLOUD_PROJECT GOOGLE_APPLICATION_CREDENTIALS K_SERVICE K_REVISION K_CONFIGURATION CLOUD_RUN_JOB`,
  others: `AWS_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN FLY_APP_NAME FLY_REGION FLY_ALLOC_ID FLY_MACHINE_ID
    PRIMARY_REGION WEBSITE_HOSTNAME WEBSITE_SITE_NAME APP_ID CC_DEPLOYMENT_ID REDIS_HOST REDIS_CLI_URL VERCEL_URL`,
  ci: `CI GITHUB_TOKEN GITHUB_ACTIONS GITHUB_ACTOR GITHUB_REF GITHUB_SHA GITHUB_WORKSPACE GITHUB_ENV GITHUB_STEP_SUMMARY
    RUNNER_OS RUNNER_TEMP RUNNER_TOOL_CACHE ACTIONS_RUNTIME_TOKEN ACTIONS_CACHE_URL GITLAB_CI CI_JOB_TOKEN CI_JOB_ID
    CI_PROJECT_DIR CI_COMMIT_SHA CI_SERVER_HOST CI_SERVER_PORT CI_REGISTRY_USER BUILD_ID BUILD_NUMBER JENKINS_URL JOB_NAME
    TRAVIS CIRCLECI CIRCLE_TOKEN VITEST VITEST_MODE VITEST_POOL_ID`,
  windows: `ALLUSERSPROFILE APPDATA COMPUTERNAME ComSpec HOMEDRIVE HOMEPATH LOCALAPPDATA NUMBER_OF_PROCESSORS OS Path PATHEXT
    ProgramData ProgramFiles PROMPT PSModulePath SystemDrive SystemRoot TEMP TMP USERDOMAIN USERNAME USERPROFILE windir`,
  tokens:
    "JWT_TOKEN GIT_TOKEN APP_TOKEN API_TOKEN AUTH_TOKEN SLACK_TOKEN DISCORD_TOKEN HF_TOKEN LOGIN_TOKEN PORT0 PORT1 HOSTS",
  keys: `COHERE_API_KEY GROK_API_KEY GOOGLE_API_KEY CLAUDE_API_KEY LLAMA_API_KEY PERPLEXITY_API_KEY FIREWORKS_API_KEY
    OPENAI_API_KEY_2 OPENAI2_API_KEY TOGETHERAI_API_KEY AZURE_API_KEY MISTRAL_API_KEY XAI_API_KEY XAI_BASE_URL
    VLLM_API_KEY OPENAI_ORG_ID OPENAI_PROJECT_ID OPENAI_LOG OLLAMA_HOST OLLAMA_MODELS OLLAMA_NUM_PARALLEL ANTHROPIC_AUTH_TOKEN
    MY_BOX_API_KEY MY_BOX_BASE_URL OTEL_EXPORTER_OTLP_HEADERS OTEL_EXPORTER_OTLP_API_KEY UV_CONCURRENCY`,
};

describe("an ordinary variable", () => {
  it.each(Object.keys(ordinary))("is taken for no misspelling: %s", (whose) => {
    const names = (ordinary[whose] ?? "").trim().split(/\s+/);
    // Of providers that are not in use nothing is read.
    expect(warnings({ ...Object.fromEntries(names.map((name) => [name, "1"])), ...good, MODELS: "openai/x" })).toEqual(
      [],
    );
  });
});
