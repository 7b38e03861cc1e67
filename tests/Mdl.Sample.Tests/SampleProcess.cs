using System.Diagnostics;
using Mdl.Tests.Support;

namespace Mdl.Sample.Tests;

/// <summary>The built samples.</summary>
internal static class SampleProcess
{
    public static Process Start(params string[] arguments) => SampleProgram.Start("LingNano", arguments);

    public static (int ExitCode, string Output, string Error) Run(params string[] arguments) => RunProgram("LingNano", arguments);

    public static (int ExitCode, string Output, string Error) RunProgram(string program, params string[] arguments) => SampleProgram.Run(program, "", arguments);
}
