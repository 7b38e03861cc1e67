using System.Diagnostics;
using System.Globalization;

namespace Mdl.Benchmarks.Workers;

/// <summary>A measured process, seen from the process that asks.</summary>
internal sealed class Worker : IDisposable
{
    // Both sides' threads go on spinning for a moment after their work.
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(20);
    private readonly string _name;
    private readonly Process _process;

    private Worker(string name, Process process) => (_name, _process) = (name, process);

    /// <summary>Starts a .NET program that runs <see cref="WorkerLoop"/>.</summary>
    public static Worker Start(string name, string assembly, params string[] arguments) => Start(name, assembly, [], arguments);

    /// <summary>As above, with variables of the environment besides those of this process.</summary>
    public static Worker Start(string name, string assembly, IReadOnlyList<(string Name, string Value)> environment, params string[] arguments)
    {
        var host = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath! : "dotnet";
        var start = new ProcessStartInfo(host) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var (variable, value) in environment)
        {
            start.Environment[variable] = value;
        }

        start.ArgumentList.Add(assembly);
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return new Worker(name, Process.Start(start) ?? throw new InvalidOperationException($"cannot start {host}"));
    }

    /// <summary>Sends a request and waits for its numbers.</summary>
    public double[] Ask(string request)
    {
        Thread.Sleep(Rest);
        return AskAtOnce(request);
    }

    /// <summary>As <see cref="Ask"/>, without the rest before, for measurements of the process's own start.</summary>
    public double[] AskAtOnce(string request)
    {
        _process.StandardInput.WriteLine(request);
        _process.StandardInput.Flush();
        while (_process.StandardOutput.ReadLine() is { } line)
        {
            if (line.StartsWith(WorkerLoop.AnswerMark, StringComparison.Ordinal))
            {
                var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                return [.. words.Skip(1).Select(word => double.Parse(word, CultureInfo.InvariantCulture))];
            }

            Console.Error.WriteLine($"{_name}: {line}");
        }

        _process.WaitForExit();
        throw new InvalidOperationException($"{_name} ended with code {_process.ExitCode} at the request '{request}'");
    }

    /// <summary>Lets the process end.</summary>
    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }
}
