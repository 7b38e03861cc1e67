using System.Diagnostics;
using Mdl.Tests.Support;

namespace Ling.Chat.Tests;

/// <summary>The built chat.</summary>
internal static class ChatProcess
{
    public static Process Start(params string[] arguments) => SampleProgram.Start("Chat", arguments);

    public static (int ExitCode, string Output, string Error) Run(string input, params string[] arguments) => SampleProgram.Run("Chat", input, arguments);
}
