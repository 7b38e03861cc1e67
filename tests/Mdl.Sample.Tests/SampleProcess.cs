using System.Diagnostics;

namespace Mdl.Sample.Tests;

/// <summary>The built program as a user starts it: in a process of its own.</summary>
internal static class SampleProcess
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static Process Start(params string[] arguments) => StartProgram("LingNano", arguments);

    private static Process StartProgram(string program, string[] arguments)
    {
        // The host that runs the tests is the one the program was built for.
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, program + ".dll"));
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    public static (int ExitCode, string Output, string Error) Run(params string[] arguments) => RunProgram("LingNano", arguments);

    public static (int ExitCode, string Output, string Error) RunProgram(string program, params string[] arguments)
    {
        using var process = StartProgram(program, arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill();
            Assert.Fail($"{string.Join(' ', arguments)} did not end within {Patience}");
        }

        return (process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }
}
