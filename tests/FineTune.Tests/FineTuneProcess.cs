using System.Diagnostics;
using Mdl.Tests.Support;

namespace Ling.FineTune.Tests;

/// <summary>The built program for fine-tuning.</summary>
internal static class FineTuneProcess
{
    public static Process Start(params string[] arguments) => SampleProgram.Start("FineTune", arguments);

    public static (int ExitCode, string Output, string Error) Run(params string[] arguments) => SampleProgram.Run("FineTune", "", arguments);
}
